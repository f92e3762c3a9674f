import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a call came with, and what the server is to do in place of answering it. */
export interface Asked {
  readonly operation: string
  readonly authorization: string
  readonly body: Readonly<Record<string, unknown>>
}
export type Instead = { readonly status: number; readonly type: string; readonly message?: string } | 'hang' | 'cut' | { readonly plaintext: string }

/** Encrypt and Decrypt of AWS KMS as its documents say (JSON 1.1), for symmetric keys; moto answers the same in the service suite. */
export class KmsServer {
  readonly asked: Asked[] = []
  /** Of the next calls, in order. */
  readonly instead: Instead[] = []
  readonly disabled = new Set<string>()
  readonly #keys = new Map<string, Buffer>()
  readonly #server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const body = JSON.parse(text) as Record<string, string>
      const operation = String(request.headers['x-amz-target']).replace('TrentService.', '')
      this.asked.push({ operation, authorization: String(request.headers['authorization']), body })
      const instead = this.instead.shift()
      if (instead === 'hang') return
      if (instead === 'cut') return void request.socket.destroy()
      const answer = instead === undefined ? this.#answer(operation, body) : 'plaintext' in instead ? { Plaintext: instead.plaintext } : instead
      const failed = 'status' in answer
      response.writeHead(failed ? (answer.status as number) : 200, { 'content-type': 'application/x-amz-json-1.1', connection: 'close' })
      response.end(JSON.stringify(failed ? { __type: answer.type, message: answer.message ?? 'of account 123456789012' } : answer))
    })
  })
  #port = 0

  async start(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  makeKey(id: string): void {
    this.#keys.set(id, randomBytes(32))
  }

  #answer(operation: string, body: Record<string, unknown>): Record<string, unknown> | { status: number; type: string; message?: string } {
    const id = String(body['KeyId'])
    const key = this.#keys.get(id)
    const no = (type: string): { status: number; type: string } => ({ status: 400, type })
    if (key === undefined) return no('NotFoundException')
    if (this.disabled.has(id)) return no('DisabledException')
    const aad = JSON.stringify(Object.entries(body['EncryptionContext'] ?? {}).sort())
    if (operation === 'Encrypt') {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(aad))
      const sealed = Buffer.concat([cipher.update(Buffer.from(String(body['Plaintext']), 'base64')), cipher.final(), cipher.getAuthTag()])
      return { KeyId: id, CiphertextBlob: Buffer.concat([Buffer.from(id.padEnd(36)), nonce, sealed]).toString('base64') }
    }
    const blob = Buffer.from(String(body['CiphertextBlob']), 'base64')
    const madeBy = blob.subarray(0, 36).toString('latin1').trimEnd()
    if (!this.#keys.has(madeBy)) return no('InvalidCiphertextException')
    if (madeBy !== id) return no('IncorrectKeyException')
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(36, 48)).setAAD(Buffer.from(aad))
      decipher.setAuthTag(blob.subarray(-16))
      return { KeyId: id, Plaintext: Buffer.concat([decipher.update(blob.subarray(48, -16)), decipher.final()]).toString('base64') }
    } catch {
      return no('InvalidCiphertextException')
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  request.setEncoding('utf8')
  for await (const part of request) text += String(part)
  return text
}
