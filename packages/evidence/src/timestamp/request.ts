import { encodeDer, inside, readDer, TAG, toDefinite } from './der.ts'
import { printable } from './name.ts'
import { encodeOid, namedBits, smallNumber, stringOf, withoutZeros } from './value.ts'
import { MAX_TOKEN_BYTES } from './verify.ts'

const SHA_256 = '2.16.840.1.101.3.4.2.1'

/**
 * A TimeStampReq (RFC 3161 section 2.4.1) over a SHA-256 digest, asking for the certificate.
 * @param nonce unpredictable and not all zero; 8 bytes are what every authority takes
 * @throws EvidenceError DER_FORMAT when the policy is no dotted OID
 */
export function timestampRequest(digest: Uint8Array, nonce: Uint8Array, policy?: string): Uint8Array {
  const algorithm = encodeDer(TAG.sequence, encodeOid(SHA_256), Uint8Array.of(TAG.null, 0))
  const magnitude = withoutZeros(nonce)
  const positive = (magnitude[0] ?? 0x80) >= 0x80 ? Uint8Array.of(0, ...magnitude) : magnitude
  return encodeDer(
    TAG.sequence,
    encodeDer(TAG.integer, Uint8Array.of(1)),
    encodeDer(TAG.sequence, algorithm, encodeDer(TAG.octets, digest)),
    ...(policy === undefined ? [] : [encodeOid(policy)]),
    encodeDer(TAG.integer, positive),
    encodeDer(TAG.boolean, Uint8Array.of(0xff)),
  )
}

/** What an authority answered. `failure` and `text` say why it refused; attacker: `text` is the authority's own, made printable. */
export type TimestampAnswer =
  | { readonly granted: true; readonly token: Uint8Array }
  | { readonly granted: false; readonly failure: string; readonly text: string }

/** PKIFailureInfo, RFC 3161 section 2.4.2. */
const FAILURES: Readonly<Record<number, string>> = {
  0: 'unrecognised or unsupported algorithm (badAlg)',
  2: 'transaction not permitted or supported (badRequest)',
  5: 'the data has the wrong format (badDataFormat)',
  14: 'its time source is not available (timeNotAvailable)',
  15: 'policy not supported (unacceptedPolicy)',
  16: 'extension not supported (unacceptedExtension)',
  17: 'additional information not available (addInfoNotAvailable)',
  25: 'system failure (systemFailure)',
}
const STATUS: readonly string[] = ['granted', 'grantedWithMods', 'rejection', 'waiting', 'revocationWarning', 'revocationNotification']

/** Reads a TimeStampResp. attacker: whoever answers at the address. Never throws; what is none is not granted. */
export function readTimestampAnswer(bytes: Uint8Array): TimestampAnswer {
  try {
    if (bytes.length > MAX_TOKEN_BYTES) throw new RangeError('too long')
    const cursor = inside(readDer(toDefinite(bytes), TAG.sequence))
    const info = inside(cursor.next(TAG.sequence))
    const status = smallNumber(info.next())
    const texts = info.optional(TAG.sequence)
    const bits = info.optional(TAG.bits)
    info.end()
    const token = cursor.optional(TAG.sequence)
    cursor.end()
    if (status <= 1 && token !== null) return { granted: true, token: token.whole }
    const failures = bits === null ? [] : namedBits(bits).map((bit) => FAILURES[bit] ?? `failure ${bit}`)
    const said =
      texts === null
        ? []
        : inside(texts)
            .rest(16)
            .map((der) => printable(stringOf(der) ?? ''))
    const why = status <= 1 ? 'granted, but there is no token' : [STATUS[status] ?? `status ${status}`, ...failures].join(': ')
    return { granted: false, failure: why, text: said.join(' ').slice(0, 300) }
  } catch {
    return { granted: false, failure: 'the answer is no time-stamp response', text: '' }
  }
}
