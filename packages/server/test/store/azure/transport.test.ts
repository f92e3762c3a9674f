import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { openContainer } from '../../../src/store/azure/client.ts'
import { Transport } from '../../../src/store/azure/transport.ts'
import { ACCOUNT, CONTAINER, KEY } from './server.ts'

/** A server that answers as it likes. */
async function against(answer: (response: ServerResponse) => void, run: (endpoint: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    request.resume()
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('an answer that never stops is cut off, for lists and blobs, and nothing more is taken of it', async () => {
  let sent = 0
  let closed = 0
  const endless = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'application/xml' })
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const more = (): void => {
      sent += chunk.length
      if (response.write(chunk)) setImmediate(more)
      else response.once('drain', more)
    }
    response.once('close', () => closed++)
    more()
  }
  await against(endless, async (endpoint) => {
    const transport = new Transport(1_000_000)
    const container = await openContainer({ account: ACCOUNT, container: CONTAINER, endpoint, accountKey: KEY, timeoutMs: 20_000 }, transport)
    await assert.rejects(container.listBlobsFlat().byPage().next(), { code: 'DATA_CORRUPT' })
    await assert.rejects(container.getBlobClient('x').download(), { code: 'DATA_CORRUPT' })
    transport.close()
  })
  assert.ok(sent < 40_000_000, String(sent))
  assert.ok(closed <= 2)
})

test('what is no answer of the service is an error, not an empty store', async () => {
  for (const text of ['', '{}', '<html>sign in</html>', '<?xml version="1.0"?><Other/>']) {
    await against(
      (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end(text),
      async (endpoint) => {
        const transport = new Transport()
        const container = await openContainer({ account: ACCOUNT, container: CONTAINER, endpoint, accountKey: KEY, timeoutMs: 20_000 }, transport)
        const page = await container
          .listBlobsFlat()
          .byPage()
          .next()
          .catch((error: unknown) => error as Error)
        assert.ok(page instanceof Error, `${text}: ${JSON.stringify(page)}`)
        transport.close()
      },
    )
  }
})
