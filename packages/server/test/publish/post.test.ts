import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { Connections } from '../../src/publish/post.ts'
import type { AskOptions } from '../../src/publish/post.ts'

const connections = new Connections()
after(() => connections.close())

const why = (url: string, options: Partial<AskOptions> = {}): Promise<string> =>
  connections.ask(url, { method: 'GET', timeoutMs: 2_000, maxBytes: 100, ...options }).then(
    ({ status }) => `answered ${status}`,
    (error: Error) => error.message,
  )

test('whatever goes wrong is said as a short code, never as somebody’s text', async () => {
  const server = createServer((socket) => void socket.on('data', () => socket.end('a text nobody\r\nshould repeat\r\n\r\n')))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  assert.match(await why(url), /^HPE_[A-Z_]+$/)
  await new Promise((resolve) => server.close(resolve))
  assert.equal(await why(url), 'ECONNREFUSED')
  assert.equal(await why('no address'), 'ERR_INVALID_URL')
  assert.equal(await why('ldap://127.0.0.1/list'), 'ERR_INVALID_PROTOCOL')
  assert.equal(await why(url, { headers: { authorization: 'hunter2\n' } }), 'ERR_INVALID_CHAR')
  for (const code of ['hunter 2', 'hunter2', '', 'A'.repeat(65), 7, undefined]) {
    const headers = {
      get authorization(): string {
        throw Object.assign(new Error('HUNTER2'), { code })
      },
    }
    assert.equal(await why(url, { headers }), 'FAILED', String(code))
  }
})
