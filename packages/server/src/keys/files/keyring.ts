import { Buffer } from 'node:buffer'
import { SealtrailError } from '../../errors.ts'
import { Keyring } from '../keyring.ts'
import { ADDED_LATER, PURPOSES } from '../ring.ts'
import type { KeyMaterial, KeyPurpose } from '../ring.ts'
import { addFile, createFolder, folderExists, readFolder } from './folder.ts'
import { decodeKeyFile, encodeKeyFile, keyFileName, parseKeyFileName, passphraseKeys } from './key-file.ts'
import type { Passphrase } from './key-file.ts'

export interface FileKeysOptions {
  /** The keyring's own folder, e.g. `<data>/keys`. */
  readonly folder: string
  /** Make a keyring when there is none. Pass false once the data directory holds records: new keys would not be theirs. */
  readonly create: boolean
  /** Make the keys that a keyring of an earlier version lacks. Only for whoever holds the data directory alone. */
  readonly complete?: boolean
  /** Locks the files at creation and opens them later; null keeps them in clear, guarded by their mode alone. */
  readonly passphrase?: string | null
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
}

/**
 * Opens the keyring in a folder of files, or makes one. Existing files are never overwritten; rotation adds a file.
 * @throws SealtrailError KEY_PERMISSIONS when others may read it, KEY_UNKNOWN when it is absent (and `create` is false),
 * incomplete, or locked with another passphrase; DATA_CORRUPT when a file is damaged; DATA_UNWRITABLE.
 */
export function openFileKeys(options: FileKeysOptions): Keyring {
  const passphrase = options.passphrase == null ? null : passphraseKeys(options.passphrase)
  if (!folderExists(options.folder)) {
    if (!options.create) throw new SealtrailError('KEY_UNKNOWN', 'there is no keyring; restore it from a backup')
    create(options, passphrase)
  }
  const keys: KeyMaterial[] = []
  let salt: Uint8Array | null = null
  for (const [name, text] of readFolder(options.folder)) {
    if (parseKeyFileName(name) === null) continue
    const key = decodeKeyFile(name, text, passphrase)
    salt ??= key.salt
    keys.push(key)
  }
  const missing = PURPOSES.filter((purpose) => !keys.some((key) => key.purpose === purpose))
  for (const purpose of missing) {
    // A lost key must never be replaced silently: identities would change and old values become unreadable.
    if (!ADDED_LATER.has(purpose)) throw new SealtrailError('KEY_UNKNOWN', `the keyring has no ${purpose} key; restore it from a backup`)
  }
  const lockSalt = salt
  const add = (key: KeyMaterial): void => {
    const lock = passphrase === null || lockSalt === null ? null : { passphrase, salt: lockSalt, nonce: options.random(12) }
    addFile(options.folder, keyFileName(key), encodeKeyFile(key, lock), Buffer.from(options.random(8)).toString('hex'))
  }
  if (options.complete === true) {
    for (const purpose of missing) {
      const key = make(options, purpose, 1)
      add(key)
      keys.push(key)
    }
  }
  return new Keyring(keys, { add, make: (purpose, generation) => make(options, purpose, generation), random: options.random })
}

function create(options: FileKeysOptions, passphrase: Passphrase | null): void {
  const salt = options.random(16)
  const files = new Map<string, string>()
  for (const purpose of PURPOSES) {
    const key = make(options, purpose, 1)
    const lock = passphrase === null ? null : { passphrase, salt, nonce: options.random(12) }
    files.set(keyFileName(key), encodeKeyFile(key, lock))
  }
  createFolder(options.folder, files, Buffer.from(options.random(8)).toString('hex'))
}

function make(options: FileKeysOptions, purpose: KeyPurpose, generation: number): KeyMaterial {
  const id = Buffer.from(options.random(8)).toString('hex')
  return { id, purpose, generation, created: new Date(options.now()).toISOString(), secret: Uint8Array.from(options.random(32)) }
}
