import type { ErrorCode } from '../errors.ts'

/** A slip that is in the guides people copy from: what to write instead. */
export interface Correction {
  readonly code: ErrorCode
  readonly message: string
}

/** A header name pasted as a key, right or wrong: the configuration says it otherwise. */
export function correctKey(key: string): Correction | null {
  const header = key.toLowerCase()
  if (!/^x-amz-(?:bucket-)?object-lock-/.test(header)) return null
  const said = 'in this file write `mode` and `period` under `trails.<name>.retain`'
  if (/retention-date$|retain-until-date$/.test(header)) {
    const right = 'x-amz-object-lock-retain-until-date'
    return {
      code: 'WRONG_LOCK_HEADER',
      message: header === right ? `the header ${right} is S3's: ${said}` : `there is no such header: S3 calls it ${right}; ${said}`,
    }
  }
  const right = header.replace('-bucket-', '-')
  return {
    code: 'WRONG_LOCK_HEADER',
    message: header === right ? `the header ${right} is S3's: ${said}` : `there is no such header: S3 calls it ${right}; ${said}`,
  }
}

/** A lock mode that does not exist. */
export function correctMode(mode: string): Correction | null {
  return /^comply$/i.test(mode) ? { code: 'WRONG_LOCK_MODE', message: 'there is no mode COMPLY: write COMPLIANCE' } : null
}

/** The same slips in a text that is no YAML, such as a whole request pasted in, with the offset of each. */
export function correctText(text: string): [offset: number, Correction][] {
  const found: [number, Correction][] = []
  for (const { 0: name, index } of text.matchAll(/x-amz-(?:bucket-)?object-lock-[a-z-]+/gi)) {
    const correction = correctKey(name)
    if (correction !== null) found.push([index, correction])
  }
  for (const { 0: mode, index } of text.matchAll(/\bCOMPLY\b/g)) found.push([index, correctMode(mode) as Correction])
  return found
}

const FIREHOSE = /^arn:aws[a-z-]*:firehose:[a-z0-9-]+:\d{12}:deliverystream\/[A-Za-z0-9_.-]{1,64}$/

/** A subscription's destination that is no ARN of a Firehose stream though it says so. */
export function correctDestination(type: string | null, id: string | null): Correction | null {
  if (id === null || FIREHOSE.test(id) || !(/firehose/i.test(type ?? '') || /:firehose[/:]/.test(id))) return null
  return { code: 'WRONG_DESTINATION', message: 'this is no ARN of a Firehose stream; it would be arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME' }
}
