import { closeSync, createReadStream, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { SealtrailError } from '../../errors.ts'
import { splitArray } from '../../source/split.ts'

/** Some events of a file, ready to be sent, and where in the file they end. */
export interface Piece {
  readonly body: Buffer
  readonly type: 'application/x-ndjson' | 'application/json'
  /** Line (NDJSON) or element (array), from 1, of each event. */
  readonly places: readonly number[]
  /** Bytes of the file up to and including this piece. */
  readonly offset: number
  /** Lines or elements up to and including this piece. */
  readonly counted: number
}

export interface Start {
  readonly offset: number
  readonly counted: number
}

const MAX_EVENTS = 500
const MAX_BYTES = 4 * 1024 * 1024
/** A file that is one JSON text is read whole. */
const MAX_WHOLE = 512 * 1024 * 1024
const NEWLINE = 0x0a

/**
 * Cuts a file into pieces of at most 500 events and 4 MiB. NDJSON is read as a stream; a JSON array, or one object over
 * several lines, is read whole. @param start where to go on, only in NDJSON. @throws SealtrailError USAGE, TOO_LARGE
 */
export async function* piecesOf(path: string, stdin: AsyncIterable<Uint8Array>, start: Start): AsyncGenerator<Piece> {
  if (path === '-') {
    yield* lines(stdin, start, null)
    return
  }
  const whole = formOf(path) === 'whole'
  if (whole) yield* elements(path)
  else yield* lines(createReadStream(path, { start: start.offset, highWaterMark: 1024 * 1024 }), start, path)
}

/** Whether the file is lines of JSON or one JSON text: decided by its first line. @throws SealtrailError USAGE when it cannot be read. */
export function formOf(path: string): 'lines' | 'whole' {
  let head: Buffer
  try {
    head = firstBytes(path)
  } catch (cause) {
    throw new SealtrailError('USAGE', `a file cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
  const text = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()
  if (text.startsWith('[')) return 'whole'
  const line = text.split('\n')[0] as string
  // A first line that is no JSON by itself, `{` mostly, begins a text over several lines; unless the line is only longer than what was read.
  return text.includes('\n') && !parses(line) && /^\{\s*$|^\{.*[,{[]\s*$/.test(line) ? 'whole' : 'lines'
}

function firstBytes(path: string): Buffer {
  if (statSync(path).size <= 65_536) return readFileSync(path)
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(65_536)
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0))
  } finally {
    closeSync(file)
  }
}

async function* lines(chunks: AsyncIterable<Uint8Array>, start: Start, path: string | null): AsyncGenerator<Piece> {
  let { offset, counted } = start
  let rest: Buffer = Buffer.alloc(0)
  let from = 0
  let at = 0
  let places: number[] = []
  // Standard input may hold an array as well: then it is collected, like a file.
  let first = path === null
  const collected: Buffer[] = []
  const cut = (): Piece => {
    const piece: Piece = { body: rest.subarray(from, at), type: 'application/x-ndjson', places, offset: offset + at, counted }
    from = at
    places = []
    return piece
  }
  const take = (to: number): void => {
    counted++
    if (rest.subarray(at, to).toString('latin1').trim() !== '') places.push(counted)
    at = to
  }
  for await (const chunk of chunks) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (collected.length > 0 || (first && bytes.toString('latin1', 0, 64).trimStart().startsWith('['))) {
      collected.push(bytes)
      if (collected.reduce((sum, each) => sum + each.length, 0) > MAX_WHOLE) throw tooLarge()
      continue
    }
    first = false
    rest = Buffer.concat([rest.subarray(from), bytes])
    offset += from
    at -= from
    from = 0
    for (let end = rest.indexOf(NEWLINE, at); end >= 0; end = rest.indexOf(NEWLINE, at)) {
      take(end + 1)
      if (places.length >= MAX_EVENTS || at - from >= MAX_BYTES) yield cut()
    }
    if (rest.length - at > MAX_WHOLE) throw tooLarge()
  }
  if (collected.length > 0) yield* elementsOf(Buffer.concat(collected))
  else {
    if (rest.length > at) take(rest.length)
    if (places.length > 0) yield cut()
  }
}

async function* elements(path: string): AsyncGenerator<Piece> {
  if (statSync(path).size > MAX_WHOLE) throw tooLarge()
  yield* elementsOf(readFileSync(path))
}

function* elementsOf(bytes: Buffer): Generator<Piece> {
  const spans = splitArray(bytes, Number.MAX_SAFE_INTEGER)
  if (spans === null) {
    // One object, or a text that is broken as a whole: the server says which.
    yield { body: bytes, type: 'application/json', places: [1], offset: bytes.length, counted: 1 }
    return
  }
  for (let i = 0; i < spans.length;) {
    const parts: Buffer[] = []
    const places: number[] = []
    let size = 0
    for (; i < spans.length && places.length < MAX_EVENTS && size < MAX_BYTES; i++) {
      const { from, to } = spans[i] as { from: number; to: number }
      parts.push(Buffer.from(places.length === 0 ? '[' : ','), bytes.subarray(from, to))
      places.push(i + 1)
      size += to - from
    }
    parts.push(Buffer.from(']'))
    yield { body: Buffer.concat(parts), type: 'application/json', places, offset: (spans[i - 1] as { to: number }).to, counted: i }
  }
}

function parses(line: string): boolean {
  try {
    JSON.parse(line)
    return true
  } catch {
    return false
  }
}

const tooLarge = (): SealtrailError =>
  new SealtrailError('TOO_LARGE', `one JSON text of more than ${MAX_WHOLE / 1024 / 1024} MiB; send lines of JSON (NDJSON), which are read as a stream`)
