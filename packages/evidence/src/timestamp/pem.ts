import { sha256Hex } from '#platform'
import { encodeBase64 } from '@sealtrail/tlog'
import { base64Bytes, decodeLatin1 } from '../text.ts'
import { crlAddresses, readCertificate } from './certificate.ts'
import { readCrl } from './crl.ts'

const MAX_CERTIFICATES = 1_000

/** One block of a PEM text (RFC 7468). */
export interface PemBlock {
  /** Empty when the block has no end, or another than its beginning. */
  readonly label: string
  /** Null: damaged. */
  readonly der: Uint8Array | null
}

/** Every block a text begins, in order, and what stands outside of them. attacker: a block that cannot be read is told, never left out. */
export function pemBlocks(text: string): { readonly blocks: readonly PemBlock[]; readonly rest: string } {
  const [before = '', ...parts] = text.split('-----BEGIN')
  let rest = before
  const blocks = parts.map((part): PemBlock => {
    const [, label = '', body = '', after = ''] = /^ ([A-Z0-9 ]+)-----([^-]*)-----END \1-----([^]*)$/.exec(part) ?? []
    rest += after
    return { label, der: label === '' ? null : base64Bytes(body.replace(/\s+/g, '')) }
  })
  return { blocks, rest }
}

/** One block, as `openssl` writes it. */
export function pemOf(label: string, der: Uint8Array): string {
  const lines = encodeBase64(der).match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

/** Certificates as DER, or in a sentence why not. */
export type CertificatesRead = { readonly ok: true; readonly value: readonly Uint8Array[] } | { readonly ok: false; readonly message: string }

/** The certificates a file holds: one in DER, or any number in PEM with text around them. One that cannot be read spoils all: nobody would know that it does not count. */
export function readCertificates(file: Uint8Array): CertificatesRead {
  // A certificate is longer than 127 bytes, so its length is in the long form (X.690 8.1.3.5), which no text has here.
  if (file[0] === 0x30 && (file[1] ?? 0) >= 0x80)
    return describeCertificate(file) === null ? { ok: false, message: 'This is no certificate, or it is damaged.' } : { ok: true, value: [file] }
  return readPemCertificates(decodeLatin1Long(file))
}

/** As `readCertificates`, of a text that was pasted. */
export function readPemCertificates(text: string): CertificatesRead {
  const { blocks, rest } = pemBlocks(text)
  if (blocks.length === 0 && !rest.includes('-----END'))
    return { ok: false, message: 'There is no certificate here. One begins with -----BEGIN CERTIFICATE-----.' }
  if (blocks.length > MAX_CERTIFICATES) return { ok: false, message: 'These are more than 1,000 certificates. Give only those of the authorities you trust.' }
  const value: Uint8Array[] = []
  for (const [i, { label, der }] of blocks.entries()) {
    if (label !== '' && !/^(?:X509 |TRUSTED )?CERTIFICATE$/.test(label)) return { ok: false, message: `Block ${i + 1} is no certificate.` }
    if (der === null || describeCertificate(der) === null) return { ok: false, message: `Certificate ${i + 1} is damaged.` }
    value.push(der)
  }
  if (rest.includes('-----END')) return { ok: false, message: 'A certificate is damaged: it has an end and no beginning.' }
  return { ok: true, value }
}

/** The one revocation list in a file, PEM or DER, as DER; null when it is none that can be read. */
export function crlInFile(file: Uint8Array): Uint8Array | null {
  const der = file[0] === 0x30 ? file : pemBlocks(decodeLatin1Long(file)).blocks.find(({ label }) => label === 'X509 CRL')?.der
  try {
    return der === undefined || der === null || readCrl(der) === null ? null : der
  } catch {
    return null
  }
}

/** In pieces: one text per byte would be slow for a bundle of roots. */
function decodeLatin1Long(bytes: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += 4096) parts.push(decodeLatin1(bytes.subarray(at, at + 4096)))
  return parts.join('')
}

/** A certificate in PEM. */
export function certificatePem(der: Uint8Array): string {
  return pemOf('CERTIFICATE', der)
}

/** What one would ask about a certificate before trusting it. */
export interface CertificateSummary {
  /** Printable; attacker: whoever made the certificate chose it. */
  readonly subject: string
  readonly issuer: string
  /** RFC 3339. */
  readonly notBefore: string
  readonly notAfter: string
  /** SHA-256 of the DER, lower-case hex: what is compared by hand. */
  readonly sha256: string
  /** http(s) addresses of its revocation lists. */
  readonly crls: readonly string[]
}

/** Null when the bytes are no certificate. */
export function describeCertificate(der: Uint8Array): CertificateSummary | null {
  try {
    const certificate = readCertificate(der)
    const { subject, issuer, notBefore, notAfter } = certificate
    return {
      subject: subject.text,
      issuer: issuer.text,
      notBefore: notBefore.text,
      notAfter: notAfter.text,
      sha256: sha256Hex(der),
      crls: crlAddresses(certificate),
    }
  } catch {
    return null
  }
}

/** When a revocation list was made and when its issuer promised the next one, RFC 3339; null when the bytes are no list. */
export function describeCrl(der: Uint8Array): { readonly thisUpdate: string; readonly nextUpdate: string | null } | null {
  try {
    const { thisUpdate, nextUpdate } = readCrl(der)
    return { thisUpdate: thisUpdate.text, nextUpdate: nextUpdate?.text ?? null }
  } catch {
    return null
  }
}
