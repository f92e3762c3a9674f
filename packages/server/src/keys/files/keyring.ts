import { Buffer } from 'node:buffer'
import { SealtrailError } from '../../errors.ts'
import { crashPoint } from '../../observe/crash-point.ts'
import { Keyring } from '../keyring.ts'
import type { KeyringPlace } from '../keyring.ts'
import type { Kms } from '../kms.ts'
import { ADDED_LATER, HELD, PURPOSES } from '../ring.ts'
import type { KeyEnd, KeyName, KeyPurpose, RingKey } from '../ring.ts'
import { addFile, createFolder, folderExists, readFolder, removeFile } from './folder.ts'
import { decodeKeyEnd, decodeKeyFile, encodeKeyEnd, encodeKeyFile, keyFileName, parseKeyFileName } from './key-file.ts'
import type { Kept, StoredKey } from './key-file.ts'

export interface FileKeysOptions {
  /** The keyring's own folder, e.g. `<data>/keys`. */
  readonly folder: string
  /** Make a keyring when there is none. Pass false once the data directory holds records: new keys would not be theirs. */
  readonly create: boolean
  /** Make the keys that a keyring of an earlier version lacks, and end what a crash left half destroyed. Only for whoever holds the data directory alone. */
  readonly complete?: boolean
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
}

/** The services a ring is opened with: keys are made and locked by the first, opened by any that locked them. None: keys lie in clear. */
export type Services = readonly Kms[]

type Entry = StoredKey | (KeyName & { readonly gone: KeyEnd })

/**
 * Opens a keyring that lies in clear in a folder of files, guarded by their mode alone, or makes one. As `openRing`.
 */
export function openFileKeys(options: FileKeysOptions): Keyring {
  if (!folderExists(options.folder)) {
    if (!options.create) throw absent()
    createFolder(options.folder, new Map(PURPOSES.map((purpose) => clearFile(named(options, purpose, 1), options))), unique(options))
  }
  const { entries, ends } = entriesOf(options.folder)
  const keys = entries.map((entry): RingKey => {
    if ('gone' in entry) return goneKey(entry)
    if (entry.what.kind !== 'clear') throw locked(entry)
    return { ...nameOf(entry), keeper: 'files', secret: entry.what.secret, ...endOf(entry, ends) }
  })
  for (const purpose of missingIn(keys, options)) {
    const [, key] = addClear(named(options, purpose, 1), options)
    keys.push(key)
  }
  return finish(keys, options, [])
}

/**
 * Opens the keyring in a folder of files, or makes one, with the services that lock it. Existing files are never overwritten;
 * rotation adds a file.
 * @throws SealtrailError KEY_PERMISSIONS when others may read it, KEY_UNKNOWN when it is absent (and `create` is false),
 * incomplete, or locked by another passphrase or service; KEY_UNAVAILABLE when the service does not answer; DATA_CORRUPT when
 * a file is damaged; DATA_UNWRITABLE.
 */
export async function openRing(options: FileKeysOptions, services: Services): Promise<Keyring> {
  if (services.length === 0) return openFileKeys(options)
  if (!folderExists(options.folder)) {
    if (!options.create) throw absent()
    const files = new Map<string, string>()
    for (const purpose of PURPOSES) {
      const name = named(options, purpose, 1)
      files.set(keyFileName(name), encodeKeyFile(name, (await makeKey(name, services, options)).kept))
    }
    // Dying before: nothing is there but perhaps keys in the service that nobody names.
    createFolder(options.folder, files, unique(options))
  }
  const { entries, ends } = entriesOf(options.folder)
  const keys: RingKey[] = []
  for (const entry of entries) keys.push('gone' in entry ? goneKey(entry) : { ...(await openKey(entry, services)), ...endOf(entry, ends) })
  for (const purpose of missingIn(keys, options)) keys.push(await add(named(options, purpose, 1), services, options))
  return finish(keys, options, services)
}

/** Opens one key with the service that locked it, or that holds it. @throws SealtrailError KEY_UNKNOWN, KEY_UNAVAILABLE, DATA_CORRUPT */
export async function openKey(entry: StoredKey, services: Services): Promise<RingKey> {
  const name = nameOf(entry)
  const { what } = entry
  if (what.kind === 'clear') return { ...name, keeper: 'files', secret: what.secret }
  const able = services.filter(({ keeper }) => keeper === what.keeper)
  let last: unknown = locked(entry)
  for (const kms of able) {
    try {
      if (what.kind === 'locked') return { ...name, keeper: what.keeper, secret: await kms.unlock(what.locked, name) }
      if (kms.held !== null) return { ...name, keeper: what.keeper, secret: null, held: await kms.held.open(name, what.publicKey) }
    } catch (error) {
      // While keys are moved from one passphrase or key to another, either may have locked this one.
      last = error
    }
  }
  throw last
}

/** What stands in a ring's folder. @throws SealtrailError KEY_PERMISSIONS, KEY_UNKNOWN, DATA_CORRUPT */
export function entriesOf(folder: string): { readonly entries: readonly Entry[]; readonly ends: ReadonlyMap<string, KeyEnd> } {
  const stored: StoredKey[] = []
  const ended = new Map<string, KeyName & KeyEnd>()
  for (const [file, text] of readFolder(folder)) {
    const parsed = parseKeyFileName(file)
    if (parsed === null) continue
    if (!parsed.end) stored.push(decodeKeyFile(file, text))
    else {
      const end = decodeKeyEnd(file, text)
      ended.set(end.id, end)
    }
  }
  const destroyed = [...ended.values()].filter(({ state }) => state === 'destroyed')
  return {
    // Of a key whose destruction was begun nothing counts any more, though its file may still be there.
    entries: [...stored.filter(({ id }) => ended.get(id)?.state !== 'destroyed'), ...destroyed.map((end) => ({ ...nameOf(end), gone: endIn(end) }))],
    ends: new Map([...ended].map(([id, end]) => [id, endIn(end)])),
  }
}

function finish(keys: RingKey[], options: FileKeysOptions, services: Services): Keyring {
  if (options.complete === true) for (const key of keys) if (key.ended?.state === 'destroyed') removeFile(options.folder, keyFileName(key))
  const place: KeyringPlace = {
    async make(purpose, generation) {
      const name = named(options, purpose, generation)
      const { key, kept } = await makeKey(name, services, options)
      return {
        key,
        keep() {
          crashPoint('keys:made')
          // Dying here: perhaps a key in the service that no file names; harmless.
          addFile(options.folder, keyFileName(name), encodeKeyFile(name, kept), unique(options))
        },
      }
    },
    end(key, end) {
      addFile(options.folder, keyFileName(key, '.end'), encodeKeyEnd(key, end), unique(options))
      crashPoint('keys:ended')
      // Dying here: the key counts as destroyed, and whoever opens the ring next removes its file.
      if (end.state === 'destroyed') removeFile(options.folder, keyFileName(key))
    },
    now: options.now,
    random: options.random,
  }
  return new Keyring(keys, place)
}

async function add(name: KeyName, services: Services, options: FileKeysOptions): Promise<RingKey> {
  const { kept, key } = await makeKey(name, services, options)
  addFile(options.folder, keyFileName(name), encodeKeyFile(name, kept), unique(options))
  return key
}

async function makeKey(name: KeyName, services: Services, options: FileKeysOptions): Promise<{ readonly kept: Kept; readonly key: RingKey }> {
  const [kms] = services
  if (kms === undefined) {
    const secret = Uint8Array.from(options.random(32))
    return { kept: { secret: Buffer.from(secret).toString('base64') }, key: { ...name, keeper: 'files', secret } }
  }
  if (kms.held !== null && HELD.has(name.purpose)) {
    const publicKey = await kms.held.make(name)
    const held = await kms.held.open(name, publicKey)
    const kept = { held: { service: kms.keeper, publicKey: Buffer.from(publicKey).toString('base64') } }
    return { kept, key: { ...name, keeper: kms.keeper, secret: null, held } }
  }
  const secret = Uint8Array.from(options.random(32))
  return { kept: { locked: await kms.lock(secret, name) }, key: { ...name, keeper: kms.keeper, secret } }
}

function addClear(name: KeyName, options: FileKeysOptions): [string, RingKey] {
  const secret = Uint8Array.from(options.random(32))
  const text = encodeKeyFile(name, { secret: Buffer.from(secret).toString('base64') })
  addFile(options.folder, keyFileName(name), text, unique(options))
  return [text, { ...name, keeper: 'files', secret }]
}

function clearFile(name: KeyName, { random }: FileKeysOptions): [string, string] {
  return [keyFileName(name), encodeKeyFile(name, { secret: Buffer.from(random(32)).toString('base64') })]
}

/** The purposes to be made at once; a lost key must never be replaced silently: identities would change and old values become unreadable. @throws SealtrailError KEY_UNKNOWN */
function missingIn(keys: readonly RingKey[], { complete }: FileKeysOptions): KeyPurpose[] {
  const missing = PURPOSES.filter((purpose) => !keys.some((key) => key.purpose === purpose))
  const lost = missing.find((purpose) => !ADDED_LATER.has(purpose))
  if (lost !== undefined) throw new SealtrailError('KEY_UNKNOWN', `the keyring has no ${lost} key; restore it from a backup`)
  return complete === true ? missing : []
}

function named(options: FileKeysOptions, purpose: KeyPurpose, generation: number): KeyName {
  return { id: Buffer.from(options.random(8)).toString('hex'), purpose, generation, created: new Date(options.now()).toISOString() }
}

function nameOf({ id, purpose, generation, created }: KeyName): KeyName {
  return { id, purpose, generation, created }
}

function endIn({ state, at, fingerprint }: KeyEnd): KeyEnd {
  return { state, at, fingerprint }
}

function endOf({ id }: KeyName, ends: ReadonlyMap<string, KeyEnd>): { readonly ended?: KeyEnd } {
  const ended = ends.get(id)
  return ended === undefined ? {} : { ended }
}

function goneKey(entry: KeyName & { readonly gone: KeyEnd }): RingKey {
  return { ...nameOf(entry), keeper: 'files', secret: null, ended: entry.gone }
}

function unique({ random }: FileKeysOptions): string {
  return Buffer.from(random(8)).toString('hex')
}

function absent(): SealtrailError {
  return new SealtrailError('KEY_UNKNOWN', 'there is no keyring; restore it from a backup')
}

function locked({ file, what }: StoredKey): SealtrailError {
  const by = what.kind === 'clear' ? 'nobody' : what.keeper
  if (by === 'passphrase')
    return new SealtrailError(
      'KEY_UNKNOWN',
      `the keyring is locked with a passphrase and none was given (${file}): set keys.passphrase, or SEALTRAIL_KEYS_PASSPHRASE`,
    )
  return new SealtrailError(
    'KEY_UNKNOWN',
    `the keyring is in the keeping of ${by} (${file}), and it is not that which was given: see keys in the configuration`,
  )
}
