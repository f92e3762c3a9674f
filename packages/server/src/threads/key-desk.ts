import { existsSync, readFileSync } from 'node:fs'
import { TYPE_ED25519, formatVkey, parseVkey } from '@sealtrail/tlog'
import { logSignersOf } from '../config/open-log.ts'
import type { Sealing } from '../config/open-sealing.ts'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import type { IngestKeys } from '../keys/keys.ts'
import type { KeyInfo, KeyPurpose } from '../keys/ring.ts'
import { bears } from '../publish/sign-published.ts'
import { publishedPath } from '../publish/published.ts'
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

export function keyDesk(sealing: Pick<Sealing, 'config' | 'keys' | 'vault' | 'vkeys' | 'committed' | 'sealed'>, now: () => number): KeyDesk {
  const { keys, vault } = sealing
  // One at a time: two rotations of a purpose would make one generation twice.
  let last: Promise<unknown> = Promise.resolve()
  const alone = <T>(work: () => Promise<T>): Promise<T> => {
    const result = last.then(work, work)
    last = result.catch(() => {})
    return result
  }
  const logKeys = (): string[] => keys.list().flatMap(({ purpose, publicKey }) => (purpose === 'log' && publicKey !== null ? [publicKey] : []))
  return {
    async keyList({ uses }) {
      const wrapped = uses ? await vault.wrapped() : null
      return keys.list().map((key) => shown(key, wrapped === null || key.purpose !== 'wrapping' ? null : (wrapped.under.get(key.id) ?? 0), sealing))
    },
    rotateKey: ({ name, by }) =>
      alone(async () =>
        shown(await keys.rotate(name as KeyPurpose, (made) => sealing.sealed(keyEvent(made, by, name === 'log' ? logKeys() : []))), null, sealing),
      ),
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
        if (key.purpose === 'log' && key.state === 'previous') assertSignedByAll(sealing)
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

/** What readers hold of each log must verify without the key that is retired. @throws SealtrailError USAGE */
function assertSignedByAll({ config, keys, committed, vkeys }: Pick<Sealing, 'config' | 'keys' | 'committed' | 'vkeys'>): void {
  for (const [log, vkey] of Object.entries(vkeys())) {
    const signers = logSignersOf(keys, parseVkey(vkey).name)
    const path = publishedPath(config.data, log)
    const notes = [committed(log).note, ...(existsSync(path) ? [readFileSync(path, 'utf8')] : [])]
    if (!notes.every((note) => bears(note, signers)))
      throw new SealtrailError('USAGE', `the newest checkpoint of ${log} does not bear the new signature yet: it does after the next start`)
  }
}

/** Of a key that signs checkpoints also what a verifier or witness is given, per log. */
function shown(key: KeyInfo, wraps: number | null, sealing: Pick<Sealing, 'vkeys'>): JsonObject {
  const own = (vkey: string): string => formatVkey(parseVkey(vkey).name, TYPE_ED25519, Buffer.from(key.publicKey as string, 'base64'))
  const vkeys = key.purpose === 'log' ? { vkeys: Object.fromEntries(Object.entries(sealing.vkeys()).map(([log, vkey]) => [log, own(vkey)])) } : {}
  return { ...key, ...(wraps === null ? {} : { wraps }), ...vkeys } as unknown as JsonObject
}
