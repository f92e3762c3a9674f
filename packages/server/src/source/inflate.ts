import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate as inflateZlib, zstdDecompress } from 'node:zlib'
import { SealtrailError } from '../errors.ts'

const DECODERS: Readonly<Record<string, (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflateZlib),
  br: promisify(brotliDecompress),
  zstd: promisify(zstdDecompress),
}

/**
 * The body without its Content-Encoding (RFC 9110 section 8.4), one coding at most. Off this thread.
 * @throws SealtrailError UNSUPPORTED_ENCODING, TOO_LARGE (the output would pass `maxBytes`; it is not produced), BAD_REQUEST (damaged).
 */
export async function inflate(body: Buffer, contentEncoding: string | null, maxBytes: number): Promise<Buffer> {
  const coding = contentEncoding === null ? 'identity' : contentEncoding.trim().toLowerCase()
  if (coding === 'identity' || coding === '') return body
  const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined
  if (decode === undefined) throw new SealtrailError('UNSUPPORTED_ENCODING', 'Content-Encoding is one of gzip, zstd, br, deflate')
  try {
    // attacker: a bomb. zlib stops as soon as the output would pass the limit.
    return await decode(body, { maxOutputLength: maxBytes })
  } catch (cause) {
    if ((cause as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw new SealtrailError('TOO_LARGE', `the body inflates beyond ${maxBytes} bytes`)
    throw new SealtrailError('BAD_REQUEST', `the body is not ${coding}`)
  }
}
