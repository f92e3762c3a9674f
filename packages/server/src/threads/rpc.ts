import type { MessagePort, Transferable, Worker } from 'node:worker_threads'
import { SealtrailError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'

interface Call {
  readonly id: number
  readonly name: string
  readonly argument: unknown
}

interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly error?: { readonly code: ErrorCode; readonly message: string }
}

type Channel = MessagePort | Worker

/** Functions of one thread that another may call, by name; arguments and results are structured-cloned. */
export type Handlers = Record<string, (argument: never) => unknown>

/**
 * Sends what one turn of the event loop has for the other thread as one message: waking a thread costs tens of
 * microseconds, which many small calls and answers then share.
 */
class Outbox<T extends Call | Reply> {
  readonly #channel: Channel
  readonly #refused: (message: T) => void
  #messages: T[] = []
  #transfer: Transferable[] = []

  /** @param refused told of a message that cannot cross: it holds what cannot be cloned. */
  constructor(channel: Channel, refused: (message: T) => void) {
    this.#channel = channel
    this.#refused = refused
  }

  send(message: T, transfer: readonly Transferable[] = []): void {
    if (this.#messages.length === 0) setImmediate(() => this.#flush())
    this.#messages.push(message)
    for (const each of transfer) this.#transfer.push(each)
  }

  #flush(): void {
    const messages = this.#messages
    const transfer = this.#transfer
    this.#messages = []
    this.#transfer = []
    if (this.#post(messages, transfer)) return
    // One of them spoils the whole: nothing was moved yet, so each can still go by itself.
    for (const message of messages) if (!this.#post([message], transfer)) this.#refused(message)
  }

  #post(messages: readonly T[], transfer: readonly Transferable[]): boolean {
    try {
      this.#channel.postMessage(messages, transfer as Transferable[])
      return true
    } catch {
      return false
    }
  }
}

/** Answers calls that arrive on the channel. An error crosses as its code and text, never as an object of this thread. */
export function answer(channel: Channel, handlers: Handlers): void {
  const outbox = new Outbox<Reply>(channel, ({ id }) => outbox.send({ id, error: { code: 'INTERNAL', message: 'an answer that cannot cross threads' } }))
  channel.on('message', (calls: readonly Call[]) => {
    if (!Array.isArray(calls)) return
    for (const call of calls) {
      if (call.name === undefined) continue
      const handler = handlers[call.name] as ((argument: unknown) => unknown) | undefined
      void Promise.resolve()
        .then(() => {
          if (handler === undefined) throw new SealtrailError('INTERNAL', `no thread function ${call.name}`)
          return handler(call.argument)
        })
        .then(
          (value) => outbox.send({ id: call.id, value }),
          (error: unknown) => outbox.send({ id: call.id, error: describe(error) }),
        )
    }
  })
}

/** Calls the handlers of the thread at the other end. When that thread ends, calls under way fail with NOT_READY. */
export class Caller {
  readonly #outbox: Outbox<Call>
  #ended = false
  readonly #open = new Map<number, { resolve: (value: never) => void; reject: (error: SealtrailError) => void }>()
  #next = 1

  constructor(channel: Channel) {
    this.#outbox = new Outbox(channel, ({ id }) => this.#answered({ id, error: { code: 'INTERNAL', message: 'a call that cannot cross threads' } }))
    channel.on('message', (replies: readonly Reply[]) => {
      if (!Array.isArray(replies)) return
      for (const reply of replies) if (!('name' in reply)) this.#answered(reply)
    })
    const ended = (): void => {
      this.#ended = true
      for (const call of this.#open.values()) call.reject(new SealtrailError('NOT_READY', 'a thread of the server ended'))
      this.#open.clear()
    }
    channel.on('close', ended)
    ;(channel as Worker).on('exit', ended)
  }

  call<T>(name: string, argument: unknown, transfer: readonly Transferable[] = []): Promise<T> {
    if (this.#ended) return Promise.reject(new SealtrailError('NOT_READY', 'a thread of the server ended'))
    const id = this.#next++
    return new Promise<T>((resolve, reject) => {
      this.#open.set(id, { resolve: resolve as (value: never) => void, reject })
      this.#outbox.send({ id, name, argument }, transfer)
    })
  }

  #answered({ id, value, error }: Reply): void {
    const call = this.#open.get(id)
    if (call === undefined) return
    this.#open.delete(id)
    if (error !== undefined) call.reject(new SealtrailError(error.code, error.message))
    else call.resolve(value as never)
  }
}

function describe(error: unknown): { code: ErrorCode; message: string } {
  if (error instanceof SealtrailError) return { code: error.code, message: error.message }
  return { code: 'INTERNAL', message: error instanceof Error ? error.name : 'unknown' }
}
