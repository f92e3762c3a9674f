import { existsSync, readFileSync, statSync } from 'node:fs'
import { TYPE_COSIGNATURE_V1, TlogError, cosigner, formatSkey, parseSkey } from '@sealtrail/tlog'
import type { Cosigner } from '@sealtrail/tlog'
import { createDurably } from '../durable-file.ts'
import { SealtrailError } from '../errors.ts'

export interface WitnessKeyOptions {
  /** One line, `PRIVATE+KEY+<name>+<hash>+<base64>`, of type 0x04, mode 0600. */
  readonly path: string
  /** Name of the witness: a URL without scheme. Needed to make the key; later it must be the same. */
  readonly name: string | null
  random(bytes: number): Uint8Array
}

/**
 * The key a witness cosigns with, made at the first start. It is the witness's alone: cosignature/v1 does not sign its
 * name, so a key used twice would sign for two.
 * @throws SealtrailError USAGE, KEY_PERMISSIONS, DATA_CORRUPT, DATA_UNWRITABLE
 */
export function openWitnessKey({ path, name, random }: WitnessKeyOptions): Cosigner {
  if (!existsSync(path)) {
    if (name === null) throw new SealtrailError('USAGE', 'the first start makes the key and needs --name, such as witness.example.org/sealtrail')
    return makeKey(path, name, random(32))
  }
  if ((statSync(path).mode & 0o077) !== 0) throw new SealtrailError('KEY_PERMISSIONS', 'the witness key is readable by others; chmod 600 it')
  let key: ReturnType<typeof parseSkey>
  try {
    key = parseSkey(readFileSync(path, 'utf8').trim())
  } catch (cause) {
    // Never the cause's text: it may quote the key.
    throw new SealtrailError('DATA_CORRUPT', 'the witness key file holds no private key of type 0x04; restore it', {
      cause: cause instanceof TlogError ? cause.code : null,
    })
  }
  if (key.type !== TYPE_COSIGNATURE_V1) throw new SealtrailError('DATA_CORRUPT', 'the witness key is not of type 0x04 (cosignature/v1)')
  if (name !== null && name !== key.name) throw new SealtrailError('USAGE', `the key is of ${key.name}; a witness keeps its name`)
  return cosigner(key.name, key.seed)
}

function makeKey(path: string, name: string, seed: Uint8Array): Cosigner {
  let made: Cosigner
  try {
    made = cosigner(name, seed)
  } catch (cause) {
    throw new SealtrailError('USAGE', '--name is no key name: no white space, no plus sign', { cause })
  }
  createDurably(path, `${formatSkey(name, TYPE_COSIGNATURE_V1, seed)}\n`, 'the witness key')
  return made
}
