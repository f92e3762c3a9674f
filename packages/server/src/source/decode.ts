import type { JsonLimits } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { Input } from '../event/input.ts'
import { wrapBinary } from './cloudevent.ts'
import { broken, toInput, type Arrival, type ElementOptions } from './element.ts'
import { mediaOf } from './media.ts'
import { skipSpace, splitArray, splitLines, type Span } from './split.ts'

/** A request as the decoders see it: authenticated, its body inflated and bounded. */
export interface SourceRequest extends Arrival {
  readonly headers: { get(name: string): string | null; entries(): Iterable<readonly [string, string]> }
  readonly body: Buffer
  readonly limits: { readonly maxEventBytes: number; readonly maxDepth: number; readonly maxEvents: number }
}

export interface Decoded {
  /** True for an array, lines or a batch, even of one: the answer is then a list. */
  readonly many: boolean
  readonly inputs: readonly Input[]
}

/**
 * The events of a request. One bad element becomes an input with a problem and leaves the others unharmed; only a body
 * in which no element can be told from the next is refused as a whole.
 *
 * | content type | body | one or many |
 * |-|-|-|
 * | `application/cloudevents+json` | CloudEvent | one |
 * | `application/cloudevents-batch+json` | array of CloudEvents | many |
 * | any JSON, with `ce-specversion` | data of a CloudEvent in binary mode | one |
 * | NDJSON | a JSON text per line | many |
 * | JSON, plain text, none | object | one |
 * | | array, or several lines of JSON | many |
 *
 * @throws SealtrailError NOT_JSON, TOO_LARGE (event or count), UNSUPPORTED_MEDIA_TYPE; nothing was stored.
 */
export function decode(request: SourceRequest): Decoded {
  const contentType = request.headers.get('content-type')
  const media = mediaOf(contentType)
  const body = withoutMark(request.body)
  const options = elementOptions(request, media === 'cloudevent' || media === 'cloudevents')
  if (media === 'lines') return many(body, splitLines(body, request.limits.maxEvents), options, request)
  if (media === 'cloudevents') return many(body, arrayOf(body, request), options, request)
  if (media === 'cloudevent') return { many: false, inputs: [single(body, options)] }
  if (request.headers.get('ce-specversion') !== null) return { many: false, inputs: [binary(request, contentType)] }
  if (body[skipSpace(body, 0)] === 0x5b) return many(body, arrayOf(body, request), options, request)
  return oneOrLines(body, options, request)
}

/**
 * The same for platforms that must not be told to give up (EventBridge drops an event on 400): a body that cannot be
 * told apart becomes one input with its problem.
 */
export function decodeAll(request: SourceRequest): readonly Input[] {
  try {
    return decode(request).inputs
  } catch (error) {
    if (!(error instanceof SealtrailError) || !['NOT_JSON', 'TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'].includes(error.code)) throw error
    return [broken(request.body, arrival(request), error.code, error.message)]
  }
}

function oneOrLines(body: Buffer, options: ElementOptions, request: SourceRequest): Decoded {
  try {
    return { many: false, inputs: [single(body, options)] }
  } catch (error) {
    // Several JSON texts under one JSON content type are lines; a lone broken text is not.
    const spans = splitLines(body, request.limits.maxEvents)
    if (spans.length < 2 || isJsonProblem(toInput(slice(body, spans[0] as Span), options))) throw error
    return many(body, spans, options, request)
  }
}

/** @throws SealtrailError NOT_JSON, TOO_LARGE. */
function single(body: Buffer, options: ElementOptions): Input {
  const input = toInput(body, options)
  if (input.problem?.code === 'TOO_LARGE') throw new SealtrailError('TOO_LARGE', input.problem.message)
  if (input.problem?.code !== 'NOT_JSON') return input
  // JSON but for its encoding (a name in Latin-1, say) is worth keeping: quarantined, not turned away.
  if (isJson(body.toString('utf8'))) return broken(body, options, 'NOT_I_JSON', input.problem.message)
  throw new SealtrailError('NOT_JSON', input.problem.message)
}

function binary(request: SourceRequest, contentType: string | null): Input {
  const options = elementOptions(request, true)
  if (request.body.length > 0) {
    const data = toInput(request.body, { ...options, cloudEvent: false })
    if (data.problem?.code === 'NOT_JSON' || data.problem?.code === 'TOO_LARGE') throw new SealtrailError(data.problem.code, data.problem.message)
  }
  const { bytes, message } = wrapBinary(request.headers.entries(), withoutMark(request.body), contentType)
  const input = toInput(bytes, { ...options, limits: { maxBytes: options.limits.maxBytes + bytes.length, maxDepth: options.limits.maxDepth + 1 } })
  const worse = input.problem !== null && input.problem.code !== 'UNMAPPABLE'
  return message === null || worse ? input : broken(bytes, options, 'UNMAPPABLE', message)
}

function many(body: Buffer, spans: readonly Span[], options: ElementOptions, request: SourceRequest): Decoded {
  const { maxEvents } = request.limits
  if (spans.length > maxEvents) throw new SealtrailError('TOO_LARGE', `more than ${maxEvents} events in one request`)
  return { many: true, inputs: spans.map((span) => toInput(slice(body, span), options)) }
}

function arrayOf(body: Buffer, request: SourceRequest): Span[] {
  const spans = splitArray(body, request.limits.maxEvents)
  if (spans === null) throw new SealtrailError('NOT_JSON', 'the body is no closed JSON array')
  return spans
}

function elementOptions(request: SourceRequest, cloudEvent: boolean): ElementOptions {
  const limits: JsonLimits = { maxBytes: request.limits.maxEventBytes, maxDepth: request.limits.maxDepth }
  return { ...arrival(request), limits, cloudEvent }
}

function arrival({ trail, receivedMs, provenance }: SourceRequest): Arrival {
  return { trail, receivedMs, provenance }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const isJsonProblem = (input: Input): boolean => input.problem?.code === 'NOT_JSON' || input.problem?.code === 'TOO_LARGE'
const slice = (body: Buffer, span: Span): Buffer => body.subarray(span.from, span.to)
/** RFC 8259 section 8.1 lets a reader ignore a byte order mark. */
const withoutMark = (body: Buffer): Buffer => (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body)
