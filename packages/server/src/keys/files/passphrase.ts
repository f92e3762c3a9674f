import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import { damaged, lockedBytes, lockedTo } from '../kms.ts'
import type { Kms, Locked } from '../kms.ts'
import type { KeyName } from '../ring.ts'

const SCRYPT_N = 2 ** 16
/** A shorter one is guessed by whoever has the files. */
const SHORTEST = 12

/**
 * Keys locked by what a person or a secret store knows: AES-256-GCM under scrypt(passphrase, salt, N=n, r=8, p=1), one salt for
 * the ring. `{"salt","n","nonce","secret"}`, `secret` is ciphertext ‖ tag.
 * @throws SealtrailError USAGE for a passphrase of fewer than 12 characters, when it is to lock
 */
export function passphraseKms(passphrase: string, random: (bytes: number) => Uint8Array = randomBytes): Kms {
  const text = passphrase.normalize('NFC')
  const derived = new Map<string, Uint8Array>()
  let salt: Uint8Array | null = null
  const keyFor = (saltOf: Uint8Array, n: number): Uint8Array => {
    const name = `${n}:${Buffer.from(saltOf).toString('hex')}`
    const known = derived.get(name)
    if (known !== undefined) return known
    const key = scryptSync(text, saltOf, 32, { N: n, r: 8, p: 1, maxmem: 256 * n * 8 })
    derived.set(name, key)
    return key
  }
  return {
    keeper: 'passphrase',
    held: null,
    async lock(secret: Uint8Array, name: KeyName): Promise<Locked> {
      if (text.length < SHORTEST) throw new SealtrailError('USAGE', `a passphrase has at least ${SHORTEST} characters`)
      salt ??= random(16)
      const nonce = random(12)
      const cipher = createCipheriv('aes-256-gcm', keyFor(salt, SCRYPT_N), nonce)
      cipher.setAAD(Buffer.from(lockedTo(name)))
      const sealed = Buffer.concat([cipher.update(secret), cipher.final(), cipher.getAuthTag()])
      return { salt: base64(salt), n: SCRYPT_N, nonce: base64(nonce), secret: base64(sealed) }
    },
    async unlock(locked: Locked, name: KeyName): Promise<Uint8Array> {
      const saltOf = lockedBytes(locked, 'salt', 16)
      const nonce = lockedBytes(locked, 'nonce', 12)
      const sealed = lockedBytes(locked, 'secret', 48)
      const n = locked['n']
      // attacker: a file may ask for more work than any machine has.
      const costs = typeof n === 'number' && Number.isInteger(Math.log2(n)) && n >= 2 ** 14 && n <= 2 ** 20
      if (saltOf === null || nonce === null || sealed === null || !costs) throw damaged(name)
      const decipher = createDecipheriv('aes-256-gcm', keyFor(saltOf, n), nonce, { authTagLength: 16 })
      decipher.setAAD(Buffer.from(lockedTo(name)))
      decipher.setAuthTag(sealed.subarray(32))
      try {
        const secret = Buffer.concat([decipher.update(sealed.subarray(0, 32)), decipher.final()])
        salt ??= saltOf
        return secret
      } catch {
        throw new SealtrailError('KEY_UNKNOWN', `the passphrase does not open the ${name.purpose} key ${name.generation}`)
      }
    },
    close: async () => {},
  }
}

function base64(bytesOf: Uint8Array): string {
  return Buffer.from(bytesOf).toString('base64')
}
