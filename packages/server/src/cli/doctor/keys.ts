import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { describeKeys, placeOfKeys } from '../../config/keys-place.ts'
import { keysFolder, openKeys } from '../../config/open-keys.ts'
import { ERRORS, SealtrailError } from '../../errors.ts'
import { folderExists } from '../../keys/files/folder.ts'
import { PURPOSES, ROTATABLE } from '../../keys/ring.ts'
import type { KeyInfo } from '../../keys/ring.ts'
import type { Finding } from './finding.ts'

const DAY_MS = 86_400_000

/** Whether the keyring is whole, closed to others and opened by its service, and what its owner should know. */
export async function checkKeys(config: Pick<Config, 'data' | 'keys'>, env: Readonly<Record<string, string | undefined>>, nowMs: number): Promise<Finding[]> {
  const place = placeOfKeys(config)
  if (!folderExists(keysFolder(config))) {
    if (existsSync(join(config.data, 'head.sqlite')))
      return [
        {
          area: 'keys',
          level: 'fail',
          text: 'there are records and no keyring',
          todo: 'restore it from a backup; without it personal values are gone and resends are not recognised',
        },
      ]
    return [{ area: 'keys', level: 'ok', text: 'no keyring yet; the first start makes one' }]
  }
  try {
    const ring = await openKeys(config, { create: false, now: () => nowMs })
    const keys = ring.keys.list()
    await ring.close()
    return [
      { area: 'keys', level: 'ok', text: `complete: ${PURPOSES.join(', ')} (${keys.length} keys), ${describeKeys(place)}, readable by the owner only` },
      ...inClear(keys, place.keeping.type === 'files' && place.keeping.passphrase === null && env['SEALTRAIL_KEYS_PASSPHRASE'] === undefined),
      ...(place.folder === null ? [beside()] : []),
      ...openReference(place.keeping.type === 'files' ? place.keeping.passphrase : place.keeping.type === 'pkcs11' ? place.keeping.pin : null),
      ...tooOld(keys, config.keys.maxAgeMs, nowMs),
    ]
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error
    return [{ area: 'keys', level: 'fail', code: error.code, text: error.message, todo: ERRORS[error.code].todo }]
  }
}

function inClear(keys: readonly KeyInfo[], meant: boolean): Finding[] {
  const clear = keys.filter(({ service, state }) => service === 'files' && state !== 'destroyed')
  if (clear.length === 0) return []
  if (meant)
    return [
      {
        area: 'keys',
        level: 'ok',
        text: 'keys lie in clear, guarded by the mode of their files alone (docs/keys.md says what a passphrase or a service protects from)',
      },
    ]
  return [
    {
      area: 'keys',
      level: 'warn',
      text: `${clear.length} keys lie in clear though a passphrase or a service is configured`,
      todo: 'stop the server and run `sealtrail key lock`, or `sealtrail key move` for a service',
    },
  ]
}

function beside(): Finding {
  return {
    area: 'keys',
    level: 'warn',
    text: 'the keyring lies beside the data it protects',
    todo: 'back it up elsewhere: lost, personal values are gone for ever; `keys.folder` puts it on another volume',
  }
}

/** What opens the ring must not be readable by others. */
function openReference(reference: string | null): Finding[] {
  if (reference === null || !reference.startsWith('file:')) return []
  const mode = statSync(reference.slice(5), { throwIfNoEntry: false })?.mode
  if (mode === undefined || (mode & 0o077) === 0) return []
  return [
    {
      area: 'keys',
      level: 'fail',
      code: 'KEY_PERMISSIONS',
      text: `the file that opens the keyring has mode ${(mode & 0o777).toString(8)}`,
      todo: 'chmod 600 it: whoever reads it and the keyring has the keys',
    },
  ]
}

function tooOld(keys: readonly KeyInfo[], maxAgeMs: number | null, nowMs: number): Finding[] {
  if (maxAgeMs === null) return []
  return keys
    .filter(({ state, purpose, created }) => state === 'current' && ROTATABLE.has(purpose) && nowMs - Date.parse(created) > maxAgeMs)
    .map(({ purpose, created }) => ({
      area: 'keys',
      level: 'warn' as const,
      text: `the ${purpose} key is ${Math.floor((nowMs - Date.parse(created)) / DAY_MS)} days old, longer than keys.maxAge`,
      todo: `run \`sealtrail key rotate ${purpose}\``,
    }))
}
