import { sha256Hex } from '#platform'
import { encodeBase64 } from '@sealtrail/tlog'
import { base64Bytes, decodeLatin1 } from '../text.ts'
import { crlAddresses, readCertificate } from './certificate.ts'
import { readCrl } from './crl.ts'

const PEM = /-----BEGIN ((?:TRUSTED )?CERTIFICATE|X509 CRL)-----([^-]*)-----END \1-----/g
const MAX_CERTIFICATES = 1_000

/** Certificates in a PEM file (anything between them is skipped), or the one a DER file holds, each as DER; none when there are none that can be read. */
export function certificatesInFile(file: Uint8Array): Uint8Array[] {
  const der = file[0] === 0x30 ? [file] : blocks(file, 'CERTIFICATE')
  return der.filter((each) => describeCertificate(each) !== null).slice(0, MAX_CERTIFICATES)
}

/** The one revocation list in a file, PEM or DER, as DER; null when it is none that can be read. */
export function crlInFile(file: Uint8Array): Uint8Array | null {
  const der = file[0] === 0x30 ? file : blocks(file, 'X509 CRL')[0]
  try {
    return der === undefined || readCrl(der) === null ? null : der
  } catch {
    return null
  }
}

function blocks(file: Uint8Array, label: string): Uint8Array[] {
  return [...decodeLatin1Long(file).matchAll(PEM)].flatMap(([, found = '', body = '']) => {
    const der = found.endsWith(label) ? base64Bytes(body.replace(/\s+/g, '')) : null
    return der === null ? [] : [der]
  })
}

/** In pieces: one text per byte would be slow for a bundle of roots. */
function decodeLatin1Long(bytes: Uint8Array): string {
  const parts: string[] = []
  for (let at = 0; at < bytes.length; at += 4096) parts.push(decodeLatin1(bytes.subarray(at, at + 4096)))
  return parts.join('')
}

/** PEM, as `openssl` reads it. */
export function certificatePem(der: Uint8Array): string {
  const lines = encodeBase64(der).match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
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
