import type { Sealing } from '../config/open-sealing.ts'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import type { IngestKeys } from '../keys/keys.ts'
import type { KeyInfo, KeyPurpose } from '../keys/ring.ts'
import { endEvent, keyEvent, rewrapEvent } from './key-event.ts'

/** What serving threads may ask of the keys. `by` is the name it is sealed under. */
export interface KeyDesk {
  /** @param order `uses`: also how many keys are wrapped under each wrapping key, which reads all of them */
  keyList(order: { readonly uses: boolean }): Promise<JsonObject[]>
  /** The new key, once its announcement is sealed and it is durable. */
  rotateKey(order: { readonly name: string; readonly by: string }): Promise<JsonObject>
  /** Has people's keys wrapped under the current wrapping key. */
  rewrapKeys(order: { readonly by: string }): Promise<JsonObject>
  /** Retires a log key, or destroys a wrapping key nothing is wrapped under. @throws SealtrailError NOT_FOUND, USAGE */
  endKey(order: { readonly id: string; readonly by: string }): Promise<JsonObject>
  /** What threads hash with, or null while the token keys are still as many. */
  ingestKeys(known: number): Promise<IngestKeys | null>
}

export function keyDesk(sealing: Pick<Sealing, 'keys' | 'vault' | 'vkeys' | 'sealed'>, now: () => number): KeyDesk {
  const { keys, vault } = sealing
  // One at a time: two rotations of a purpose would make one generation twice.
  let last: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }
  return {
    async keyList({ uses }) {
      const wrapped = uses ? await vault.wrapped() : null
      return keys.list().map((key) => shown(key, wrapped === null || key.purpose !== 'wrapping' ? null : (wrapped.under.get(key.id) ?? 0), sealing))
    },
    rotateKey: ({ name, by }) => alone(async () => shown(await keys.rotate(name as KeyPurpose, (made) => sealing.sealed(keyEvent(made, by))), null, sealing)),
    rewrapKeys: ({ by }) =>
      alone(async () => {
        const rewrapped = await vault.rewrap(keys.wrappingId)
        const { under, damaged } = await vault.wrapped()
        const left = [...under].filter(([id]) => id !== keys.wrappingId).reduce((sum, [, count]) => sum + count, 0)
        if (rewrapped > 0) await sealing.sealed(rewrapEvent(keys.wrappingId, { by, rewrapped, left, damaged }, now()))
        return { id: keys.wrappingId, rewrapped, left, damaged }
      }),
    endKey: ({ id, by }) =>
      alone(async () => {
        const key = keys.list().find((each) => each.id === id)
        if (key === undefined) throw new SealtrailError('NOT_FOUND', 'the keyring has no key of this id')
        if (key.purpose === 'wrapping' && key.state === 'previous') await assertUnused(id, sealing)
        const ended = keys.end(id, key.purpose === 'log' ? 'retired' : 'destroyed')
        // Dying here: it is ended, and sealed at the next start.
        await sealing.sealed(endEvent(ended, by))
        return shown(ended, null, sealing)
      }),
    async ingestKeys(known) {
      const found = keys.exportForIngest()
      return 1 + (found.olderTokens?.length ?? 0) === known ? null : found
    },
  }
}

async function assertUnused(id: string, { vault }: Pick<Sealing, 'vault'>): Promise<void> {
  const { under, damaged } = await vault.wrapped()
  const count = under.get(id) ?? 0
  if (count > 0)
    throw new SealtrailError('USAGE', `${count} keys of people and interactions are wrapped under it: run \`sealtrail key rotate wrapping --rewrap\` first`)
  if (damaged > 0)
    throw new SealtrailError(
      'DATA_CORRUPT',
      `${damaged} key rows of the vault are damaged, and nobody knows what they are wrapped under: run \`sealtrail verify\``,
    )
}

/** Of the key that signs checkpoints also what a verifier or witness is given, per log. */
function shown(key: KeyInfo, wraps: number | null, sealing: Pick<Sealing, 'vkeys'>): JsonObject {
  const vkeys = key.purpose === 'log' && key.state === 'current' ? { vkeys: sealing.vkeys() } : {}
  return { ...key, ...(wraps === null ? {} : { wraps }), ...vkeys } as unknown as JsonObject
}
