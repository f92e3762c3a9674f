import { chmodSync, cpSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** Copies a folder with the modes of everything in it. Node 24's `cpSync` gives folders the mode of new ones, and a keyring that others may enter is refused. */
export function copyFolder(from: string, to: string): void {
  cpSync(from, to, { recursive: true })
  chmodSync(to, statSync(from).mode)
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const path = join(entry.parentPath, entry.name)
    chmodSync(join(to, relative(from, path)), statSync(path).mode)
  }
}
