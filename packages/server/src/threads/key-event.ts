import type { JsonObject } from '../event/json.ts'
import type { KeyInfo } from '../keys/ring.ts'
import type { SystemEvent } from './system-entry.ts'

/**
 * A key's public half and name in the system trail, once for each key. Records of the subject `key/answers` are thereby the
 * whole history of the keys that sign answers: what the key directory says is checked against the log, not believed.
 * @param others public keys (base64) of the log keys before it, which sign beside it
 */
export function keyEvent(key: KeyInfo, by: string, others: readonly string[] = []): SystemEvent {
  // Only what never changes: a record of this name is sealed once.
  const { id, purpose, created, fingerprint, publicKey, keyid } = key
  const lasting: JsonObject = { id, purpose, created, fingerprint, publicKey, ...(keyid === undefined ? {} : { keyid }) }
  return {
    what: 'key',
    subject: `key/${purpose}`,
    id: `key/${purpose}/${id}`,
    data: { by, key: lasting, ...(others.length === 0 ? {} : { others: [...others] }) },
  }
}

/** At each start, for keys made with the keyring or beside a rotation's record that a crash prevented; what is sealed already is not sealed again. */
export function keyEvents(keys: readonly KeyInfo[]): SystemEvent[] {
  return [
    ...keys.filter((key) => key.purpose === 'answers').map((key) => keyEvent(key, 'server')),
    ...keys.filter(({ ended }) => ended !== undefined).map((key) => endEvent(key, 'server')),
  ]
}

/** That a key was retired or destroyed, once for each key. */
export function endEvent({ id, purpose, fingerprint, state, ended }: KeyInfo, by: string): SystemEvent {
  return {
    what: 'key',
    subject: `key/${purpose}`,
    id: `key/${purpose}/${id}/${state}`,
    data: { by, key: { id, purpose, fingerprint }, state, at: ended ?? null },
  }
}

/** That people's keys are wrapped under the current wrapping key. */
export function rewrapEvent(
  id: string,
  data: { readonly by: string; readonly rewrapped: number; readonly left: number; readonly damaged: number },
  nowMs: number,
): SystemEvent {
  return { what: 'key', subject: 'key/wrapping', id: `key/wrapping/${id}/rewrapped/${nowMs}`, data: { ...data, key: { id, purpose: 'wrapping' } } }
}
