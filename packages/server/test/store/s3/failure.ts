/** An answer that is an error, as S3 sends it. */
export class Failure extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.status = status
    this.code = code
    this.headers = headers
  }
}

export const PROTECTED = 'Access Denied because object protected by object lock.'
export const denied = (message = 'Access Denied'): Failure => new Failure(403, 'AccessDenied', message)
export const invalid = (message: string): Failure => new Failure(400, 'InvalidArgument', message)
export const malformed = (): Failure =>
  new Failure(400, 'MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema')
export const noKey = (headers?: Readonly<Record<string, string>>): Failure => new Failure(404, 'NoSuchKey', 'The specified key does not exist.', headers)
export const noLockBucket = (): Failure => new Failure(400, 'InvalidRequest', 'Bucket is missing Object Lock Configuration')
export const unsupported = (what: string): Failure => new Failure(501, 'NotImplemented', `this server does not know ${what}`)

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function unescapeXml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}

/** The text of an element that has no elements in it, or null. */
export function element(xml: string, name: string): string | null {
  const found = new RegExp(`<${name}(?: [^>]*)?>([^<]*)</${name}>`).exec(xml)
  return found === null ? null : unescapeXml(found[1]!)
}

/** What stands in each element of that name. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>(.*?)</${name}>`, 'gs'))].map(([, inner]) => inner!)
}
