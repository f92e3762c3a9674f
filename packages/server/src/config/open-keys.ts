import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { SealtrailError } from '../errors.ts'
import { openRing } from '../keys/files/keyring.ts'
import type { FileKeysOptions, Services } from '../keys/files/keyring.ts'
import { passphraseKms } from '../keys/files/passphrase.ts'
import type { Keyring } from '../keys/keyring.ts'
import type { Kms } from '../keys/kms.ts'
import type { CallCounts } from '../keys/counted.ts'
import { countedKms } from '../keys/counted.ts'
import type { KeyKeeping, KeysConfig } from './keys-config.ts'
import { keepKeysPlace, placeOfKeys } from './keys-place.ts'
import { openSecret } from './value.ts'

/** Variables that say what no configuration does, for commands that are given a data directory alone. */
const PASSPHRASE = 'SEALTRAIL_KEYS_PASSPHRASE'
const PIN = 'SEALTRAIL_KEYS_PIN'

export interface OpenKeysOptions extends Pick<FileKeysOptions, 'create' | 'complete' | 'now'> {
  /** How long a service that does not answer is waited for; 0: not at all. */
  readonly waitMs?: number
  /** Told, before each pause, why it is waited. */
  readonly onWait?: (error: SealtrailError) => void
  /** Where the calls of the service are counted. */
  readonly counts?: CallCounts
  /** Another ring than the configured one, e.g. a back-up of it. */
  readonly folder?: string
  /** Notes in the data directory where its keyring is: for whoever holds it alone. */
  readonly keep?: boolean
}

/** A keyring and the service behind it, to be closed when nobody signs any more. */
export interface OpenKeys {
  readonly keys: Keyring
  close(): Promise<void>
}

const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 5_000

/** The folder of the keyring of a data directory. */
export function keysFolder(config: { readonly data: string; readonly keys: KeysConfig }): string {
  return placeOfKeys(config).folder ?? join(config.data, 'keys')
}

/**
 * The one place where a keyring is opened, or made. @throws SealtrailError KEY_UNAVAILABLE when the service does not answer in
 * time, KEY_UNKNOWN, KEY_PERMISSIONS, DATA_CORRUPT, DATA_UNWRITABLE, CONFIG_INVALID
 */
export async function openKeys(config: { readonly data: string; readonly keys: KeysConfig }, options: OpenKeysOptions): Promise<OpenKeys> {
  const place = placeOfKeys(config)
  const folder = options.folder ?? place.folder ?? join(config.data, 'keys')
  const { create, complete = false, now, counts } = options
  return patiently(options, async () => {
    const services = await openServices(place.keeping, { create, ...(counts === undefined ? {} : { counts }) })
    try {
      const keys = await openRing({ folder, create, complete, now, random: randomBytes }, services)
      if (options.keep === true) keepKeysPlace(config.data, place)
      return { keys, close: () => closeAll(services) }
    } catch (error) {
      await closeAll(services)
      throw error
    }
  })
}

/** The service that keeps the keys; none for keys in clear. @param create whether its locking key may be made. @throws SealtrailError KEY_UNAVAILABLE, KEY_UNKNOWN, CONFIG_INVALID */
export async function openServices(keeping: KeyKeeping, options: { readonly create: boolean; readonly counts?: CallCounts }): Promise<Services> {
  const kms = await openService(keeping, options.create)
  if (kms === null) return []
  return [options.counts === undefined ? kms : countedKms(kms, options.counts)]
}

async function openService(keeping: KeyKeeping, create: boolean): Promise<Kms | null> {
  switch (keeping.type) {
    case 'files': {
      const passphrase = keeping.passphrase === null ? (process.env[PASSPHRASE] ?? null) : opened(keeping.passphrase, 'keys.passphrase')
      return passphrase === null || passphrase === '' ? null : passphraseKms(passphrase)
    }
    case 'pkcs11': {
      // Compiled for this machine and installed by whoever has an HSM: loaded where it is used, and nowhere else.
      const { openPkcs11 } = await import('../keys/pkcs11/kms.ts')
      const pin = opened(keeping.pin ?? `env:${PIN}`, 'keys.pin')
      return openPkcs11({ ...keeping, pin, create })
    }
    case 'aws-kms': {
      const { AwsKms } = await import('../keys/aws-kms/kms.ts')
      const { credentials: pair } = keeping
      const credentials =
        pair === null
          ? null
          : { accessKeyId: opened(pair.accessKeyId, 'keys.accessKeyId'), secretAccessKey: opened(pair.secretAccessKey, 'keys.secretAccessKey') }
      return new AwsKms({ ...keeping, credentials })
    }
  }
}

/** Again while the service does not answer, as long as it may be waited for. */
async function patiently<T>({ waitMs = 0, onWait, now }: OpenKeysOptions, open: () => Promise<T>): Promise<T> {
  const until = now() + waitMs
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    try {
      return await open()
    } catch (error) {
      if (!(error instanceof SealtrailError) || error.code !== 'KEY_UNAVAILABLE' || now() + pause > until) throw error
      onWait?.(error)
      await sleep(pause)
    }
  }
}

/** A secret is opened when it is used. @throws SealtrailError CONFIG_INVALID; it says nothing of the secret */
function opened(reference: string, what: string): string {
  try {
    return openSecret(reference, process.env)
  } catch (cause) {
    throw new SealtrailError('CONFIG_INVALID', `${what}: ${(cause as Error).message}`, { cause })
  }
}

async function closeAll(services: Services): Promise<void> {
  for (const kms of services) await kms.close().catch(() => {})
}
