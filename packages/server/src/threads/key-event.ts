import type { JsonObject } from '../event/json.ts'
import type { KeyInfo } from '../keys/ring.ts'
import type { SystemEvent } from './system-entry.ts'

/**
 * A key's public half and name in the system trail, once for each key. Records of the subject `key/answers` are thereby the
 * whole history of the keys that sign answers: what the key directory says is checked against the log, not believed.
 */
export function keyEvent(key: KeyInfo, by: string): SystemEvent {
  // Only what never changes: a record of this name is sealed once.
  const { id, purpose, created, fingerprint, publicKey, keyid } = key
  const lasting: JsonObject = { id, purpose, created, fingerprint, publicKey, ...(keyid === undefined ? {} : { keyid }) }
  return { what: 'key', subject: `key/${purpose}`, id: `key/${purpose}/${id}`, data: { by, key: lasting } }
}

/** At each start, for keys made with the keyring or beside a rotation's record that a crash prevented; what is sealed already is not sealed again. */
export function keyEvents(keys: readonly KeyInfo[]): SystemEvent[] {
  return keys.filter((key) => key.purpose === 'answers').map((key) => keyEvent(key, 'server'))
}
