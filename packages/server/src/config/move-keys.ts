import { Buffer } from 'node:buffer'
import { SealtrailError } from '../errors.ts'
import { folderExists, replaceFile } from '../keys/files/folder.ts'
import { encodeKeyFile } from '../keys/files/key-file.ts'
import type { Kept, StoredKey } from '../keys/files/key-file.ts'
import { entriesOf, openKey } from '../keys/files/keyring.ts'
import type { Services } from '../keys/files/keyring.ts'
import { secretOf } from '../keys/signer.ts'
import { crashPoint } from '../observe/crash-point.ts'

/** What became of the ring's keys. */
export interface Moved {
  readonly moved: number
  /** Locked as asked for already, e.g. by a run that was killed. */
  readonly kept: number
  /** Held in the service that keeps them; they sign on there. */
  readonly held: number
}

/**
 * Has every key of a ring locked by another service, or by none. Each file is replaced at once, so that a run that dies leaves
 * a ring of which every key opens with one of the two, and the same run again ends it. No key lies in clear on the way, unless
 * clear is what is asked for. Nobody else may have the ring open.
 * @param to none: in clear
 * @throws SealtrailError KEY_UNKNOWN, KEY_UNAVAILABLE, DATA_CORRUPT, DATA_UNWRITABLE; USAGE when a key that never leaves its service would be left behind
 */
export async function moveKeys(folder: string, from: Services, to: Services, random: (bytes: number) => Uint8Array): Promise<Moved> {
  if (!folderExists(folder)) throw new SealtrailError('KEY_UNKNOWN', 'there is no keyring; restore it from a backup')
  const stored = entriesOf(folder).entries.filter((entry): entry is StoredKey => !('gone' in entry))
  const stays = stored.find(({ what }) => what.kind === 'held' && !to.some(({ keeper }) => keeper === what.keeper))
  if (stays !== undefined)
    throw new SealtrailError(
      'USAGE',
      `the ${stays.purpose} key ${stays.generation} is made in the service that keeps it and cannot leave it: this ring stays there (docs/keys.md)`,
    )
  const count = { moved: 0, kept: 0, held: 0 }
  // All are opened before the first is written: a service that lacks one shows it while nothing is changed.
  const work: Array<() => Promise<void>> = []
  for (const entry of stored) {
    if (entry.what.kind === 'held') {
      await openKey(entry, to)
      count.held++
    } else if (await isThere(entry, to)) count.kept++
    else {
      const secret = secretOf(await openKey(entry, from))
      work.push(async () => {
        const [kms] = to
        const kept: Kept = kms === undefined ? { secret: Buffer.from(secret).toString('base64') } : { locked: await kms.lock(secret, entry) }
        replaceFile(folder, entry.file, encodeKeyFile(entry, kept), Buffer.from(random(8)).toString('hex'))
        crashPoint('keys:moved')
        // Dying here: this key opens with the new service, those after it with the old one.
        count.moved++
      })
    }
  }
  for (const each of work) await each()
  return count
}

async function isThere(entry: StoredKey, to: Services): Promise<boolean> {
  if (to.length === 0) return entry.what.kind === 'clear'
  if (entry.what.kind === 'clear') return false
  try {
    await openKey(entry, to)
    return true
  } catch (error) {
    // Damage is damage whoever looks; another key or passphrase may be that of `from`.
    if (error instanceof SealtrailError && error.code === 'KEY_UNKNOWN') return false
    throw error
  }
}
