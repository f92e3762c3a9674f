// The part of Web Crypto that is used, as Node and browsers have it; the language's own types lack it.
interface Subtle {
  digest(algorithm: string, data: Uint8Array): Promise<ArrayBuffer>
  importKey(format: 'spki', key: Uint8Array, algorithm: object, extractable: boolean, usages: readonly string[]): Promise<object>
  verify(algorithm: object, key: object, signature: Uint8Array, data: Uint8Array): Promise<boolean>
}
declare const crypto: { readonly subtle: Subtle | undefined }

/** Hash functions that are strong enough to sign with. */
export type HashName = 'SHA-256' | 'SHA-384' | 'SHA-512'

export const HASHES: Readonly<Record<string, HashName>> = {
  '2.16.840.1.101.3.4.2.1': 'SHA-256',
  '2.16.840.1.101.3.4.2.2': 'SHA-384',
  '2.16.840.1.101.3.4.2.3': 'SHA-512',
}

/** Web Crypto. @throws TypeError on a page that is neither https, file nor localhost: browsers offer it to none else. */
export function subtle(): Subtle {
  const found = crypto.subtle
  if (found === undefined) throw new TypeError('Web Crypto is not available here: open the page from disk or over https')
  return found
}

export async function digest(hash: HashName | 'SHA-1', data: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await subtle().digest(hash, data))
}
