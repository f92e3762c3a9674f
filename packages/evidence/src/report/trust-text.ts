import { parsePolicy, parseVkey, TYPE_COSIGNATURE_V1, TYPE_ED25519 } from '@sealtrail/tlog'
import type { Policy, Vkey } from '@sealtrail/tlog'
import { readPemCertificates } from '../timestamp/pem.ts'

/** What an examiner brings from elsewhere, as texts: pasted, or read from files. */
export interface TrustTexts {
  /** vkey lines of logs and witnesses, one per line; lines that are empty or begin with `#` do not count. */
  readonly keys: string
  /** A C2SP tlog-policy; empty: none. */
  readonly policy: string
  /** PEM certificates, any number, text around them allowed. */
  readonly roots: string
}

/** A text read, or in plain words why it cannot be. */
export type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly message: string }

export interface GivenKey extends Vkey {
  readonly vkey: string
  readonly of: 'log' | 'witness'
}

/** The keys of a text. */
export function readKeys(text: string): Reading<readonly GivenKey[]> {
  const keys: GivenKey[] = []
  for (const [i, line] of text.split('\n').entries()) {
    const vkey = line.trim()
    if (vkey === '' || vkey.startsWith('#')) continue
    const where = `Line ${i + 1}`
    let key: Vkey
    try {
      key = parseVkey(vkey)
    } catch {
      return { ok: false, message: `${where} is no key. A key looks like name+8 letters or digits+a longer text, without spaces.` }
    }
    if (key.type !== TYPE_ED25519 && key.type !== TYPE_COSIGNATURE_V1) return { ok: false, message: `${where} is a key of a kind that cannot be checked here.` }
    if (!keys.some((known) => known.vkey === vkey)) keys.push({ ...key, vkey, of: key.type === TYPE_ED25519 ? 'log' : 'witness' })
  }
  return { ok: true, value: keys }
}

/** The policy of a text; null when there is none. */
export function readPolicy(text: string): Reading<Policy | null> {
  if (text.trim() === '') return { ok: true, value: null }
  try {
    return { ok: true, value: parsePolicy(text.replaceAll('\r\n', '\n')) }
  } catch (error) {
    return { ok: false, message: `This is no witness policy: ${error instanceof Error ? error.message : 'it cannot be read'}.` }
  }
}

/** The certificates of a PEM text, DER; none of an empty one. */
export function readRoots(text: string): Reading<readonly Uint8Array[]> {
  return text.trim() === '' ? { ok: true, value: [] } : readPemCertificates(text)
}

/** All of it, read. */
export interface GivenTrust {
  readonly keys: readonly GivenKey[]
  readonly policy: Policy | null
  readonly policyText: string
  /** DER. */
  readonly roots: readonly Uint8Array[]
}

/** Reads all three. */
export function readTrust({ keys, policy, roots }: TrustTexts): Reading<GivenTrust> {
  const read = { keys: readKeys(keys), policy: readPolicy(policy), roots: readRoots(roots) }
  if (!read.keys.ok) return read.keys
  if (!read.policy.ok) return read.policy
  if (!read.roots.ok) return read.roots
  return { ok: true, value: { keys: read.keys.value, policy: read.policy.value, policyText: policy.replaceAll('\r\n', '\n'), roots: read.roots.value } }
}
