import { BundleBroken } from './broken.ts'

// What every runtime has and the language's own types lack.
interface ByteStream {
  getReader(): { read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array }>; cancel(): Promise<void> }
  pipeThrough(through: unknown): ByteStream
}
declare const ReadableStream: new (source: {
  pull(controller: { enqueue(bytes: Uint8Array): void; close(): void; error(reason: unknown): void }): Promise<void>
}) => ByteStream
declare const DecompressionStream: new (format: 'deflate-raw') => unknown

/**
 * Unpacks one raw deflate stream (RFC 1951) in pieces. It must end where the bytes end: what follows it is refused.
 * @throws BundleBroken BUNDLE_ZIP; what reading `packed` throws
 */
export async function* inflate(packed: AsyncGenerator<Uint8Array, void, undefined>, name: string): AsyncGenerator<Uint8Array, void, undefined> {
  let failure: unknown = null
  const reader = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await packed.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      } catch (error) {
        failure = error
        controller.error(error)
      }
    },
  })
    .pipeThrough(new DecompressionStream('deflate-raw'))
    .getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(() => {
        throw failure ?? new BundleBroken('BUNDLE_ZIP', name, 'is not one whole deflate stream')
      })
      if (done || value === undefined) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
