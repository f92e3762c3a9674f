import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS, SealtrailError } from '../../errors.ts'
import { openFileKeys } from '../../keys/files/keyring.ts'
import { PURPOSES } from '../../keys/ring.ts'
import type { Finding } from './finding.ts'

/** Whether the keyring is whole and closed to others. */
export function checkKeys(data: string, env: { readonly now: () => number; readonly random: (bytes: number) => Uint8Array }): Finding[] {
  if (!existsSync(join(data, 'keys'))) {
    if (existsSync(join(data, 'head.sqlite')))
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
    const keys = openFileKeys({ folder: join(data, 'keys'), create: false, ...env }).list()
    return [
      { area: 'keys', level: 'ok', text: `complete: ${PURPOSES.join(', ')} (${keys.length} keys), readable by the owner only` },
      {
        area: 'keys',
        level: 'warn',
        text: 'the keyring lies beside the data it protects',
        todo: 'back it up elsewhere: lost, personal values are gone for ever',
      },
    ]
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error
    return [{ area: 'keys', level: 'fail', code: error.code, text: error.message, todo: ERRORS[error.code].todo }]
  }
}
