import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceDurably } from '../durable-file.ts'
import { SealtrailError } from '../errors.ts'
import type { KeyKeeping, KeysConfig } from './keys-config.ts'

/** In the data directory: where its keyring is and who keeps it, so that commands that are given the directory alone find it. No secret is in it, nor where one is. */
const FILE = 'keys.json'

/** Where the keyring of a data directory is, as it was last opened; its own `keys/` in clear, when it does not say. @throws SealtrailError DATA_CORRUPT */
export function keysPlaceOf(data: string): KeysConfig {
  const path = join(data, FILE)
  if (!existsSync(path)) return PLAIN
  try {
    return { maxAgeMs: null, ...(JSON.parse(readFileSync(path, 'utf8')) as Pick<KeysConfig, 'folder' | 'keeping'>) }
  } catch (cause) {
    throw new SealtrailError('DATA_CORRUPT', `${FILE} is damaged: it says where the keyring is, and can be removed where the configuration says it too`, {
      cause,
    })
  }
}

/** What the configuration says of the keyring, or, where it says nothing, what the data directory does. */
export function placeOfKeys({ data, keys }: { readonly data: string; readonly keys: KeysConfig }): KeysConfig {
  return same(keys, PLAIN) ? { ...keysPlaceOf(data), maxAgeMs: keys.maxAgeMs } : keys
}

/** Notes where the keyring was opened. @throws SealtrailError DATA_UNWRITABLE */
export function keepKeysPlace(data: string, keys: KeysConfig): void {
  const known = keysPlaceOf(data)
  const place = withoutSecrets(keys)
  if (!same(known, place)) replaceDurably(join(data, FILE), `${JSON.stringify({ folder: place.folder, keeping: place.keeping })}\n`, FILE)
}

/** As one would say it. */
export function describeKeys({ folder, keeping }: KeysConfig): string {
  const where = folder === null ? 'the data directory' : folder
  switch (keeping.type) {
    case 'files':
      return `files in ${where}`
    case 'pkcs11':
      return `files in ${where}, locked by the token ${keeping.token}`
    case 'aws-kms':
      return `files in ${where}, locked by AWS KMS in ${keeping.region}`
  }
}

const PLAIN: KeysConfig = { folder: null, keeping: { type: 'files', passphrase: null }, maxAgeMs: null }

function same(a: KeysConfig, b: KeysConfig): boolean {
  return a.folder === b.folder && JSON.stringify(sorted(a.keeping)) === JSON.stringify(sorted(b.keeping))
}

function sorted(keeping: KeyKeeping): unknown {
  return Object.entries(keeping).sort(([a], [b]) => (a < b ? -1 : 1))
}

function withoutSecrets(keys: KeysConfig): KeysConfig {
  const { keeping } = keys
  switch (keeping.type) {
    case 'files':
      return { ...keys, keeping: { ...keeping, passphrase: null } }
    case 'pkcs11':
      return { ...keys, keeping: { ...keeping, pin: null } }
    case 'aws-kms':
      return { ...keys, keeping: { ...keeping, credentials: null } }
  }
}
