import { SealtrailError } from '../errors.ts'

/** What a Content-Type promises. `json` is looked into: object, array, or lines. */
export type Media = 'json' | 'lines' | 'cloudevent' | 'cloudevents'

const LINES = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonlines',
  'application/json-lines',
  'application/jsonlines',
])
const JSON_TYPES = new Set(['', 'application/json', 'text/json', 'text/plain'])

/**
 * The kind of body a Content-Type announces; none at all counts as JSON (a shell's first try).
 * @throws SealtrailError UNSUPPORTED_MEDIA_TYPE for another type or a charset that is not UTF-8 (RFC 8259 section 8.1).
 */
export function mediaOf(contentType: string | null): Media {
  if (contentType === 'application/json' || contentType === null) return 'json'
  const [type = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase())
  for (const parameter of parameters) {
    const charset = /^charset\s*=\s*"?([^"\s]*)"?$/.exec(parameter)?.[1]
    if (charset !== undefined && !/^(utf-?8|us-ascii)$/.test(charset)) throw new SealtrailError('UNSUPPORTED_MEDIA_TYPE', 'the charset is not UTF-8')
  }
  // CloudEvents HTTP binding 1.0.2 section 3: the prefix decides, before anything else.
  if (type.startsWith('application/cloudevents-batch')) return ofJsonFormat(type, 'application/cloudevents-batch', 'cloudevents')
  if (type.startsWith('application/cloudevents')) return ofJsonFormat(type, 'application/cloudevents', 'cloudevent')
  if (LINES.has(type)) return 'lines'
  if (JSON_TYPES.has(type) || /^application\/[a-z0-9.+_-]+\+json$/.test(type)) return 'json'
  throw new SealtrailError('UNSUPPORTED_MEDIA_TYPE', "send JSON, NDJSON or CloudEvents (with curl: -H 'Content-Type: application/json')")
}

function ofJsonFormat(type: string, prefix: string, media: Media): Media {
  if (type !== `${prefix}+json`) throw new SealtrailError('UNSUPPORTED_MEDIA_TYPE', `of CloudEvents formats ${prefix}+json is understood`)
  return media
}
