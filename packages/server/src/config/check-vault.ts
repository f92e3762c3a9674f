import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { checkLevel } from '../observe/level-check.ts'

/**
 * Looks the vault's files over before they are opened. The vault cannot be made again, and LevelDB silently throws away
 * what it cannot read; so of a damaged vault every file is kept in `<vault>-damaged-<time>` first (as hard links: LevelDB
 * never changes a file, it writes new ones), then `repair` makes the best of it. Resolves to true when rows may be lost.
 *
 * @param expected records are sealed already, so that an absent vault is a lost one
 */
export async function checkVault(
  folder: string,
  options: { expected: boolean; nowMs: number; repair(): Promise<void>; report(finding: string): void },
): Promise<boolean> {
  const { expected, nowMs, repair, report } = options
  if (!existsSync(folder)) {
    if (expected) report('vault: the folder is gone: the personal values of the records sealed so far cannot be read; restore it from a copy')
    return expected
  }
  const damage = await checkLevel(folder)
  if (damage.length === 0) return false
  const aside = `${folder}-damaged-${nowMs}`
  keep(folder, aside)
  for (const { file, message } of damage) report(`vault ${file}: ${message}; personal values may be lost: \`sealtrail verify\` says which`)
  await repair()
  report(`vault: repaired as far as it could be; its files as they were found are kept beside it, in ${aside.slice(aside.lastIndexOf('/') + 1)}`)
  return true
}

function keep(folder: string, aside: string): void {
  mkdirSync(aside, { mode: 0o700 })
  for (const name of readdirSync(folder)) {
    if (!/^(\d+\.(ldb|log)|MANIFEST-\d+|CURRENT)$/.test(name)) continue
    try {
      linkSync(join(folder, name), join(aside, name))
    } catch {
      // A file system without links.
      copyFileSync(join(folder, name), join(aside, name))
    }
  }
}
