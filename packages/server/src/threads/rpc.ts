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

/** Answers calls that arrive on the channel. An error crosses as its code and text, never as an object of this thread. */
export function answer(channel: Channel, handlers: Handlers): void {
  channel.on('message', (call: Call) => {
    if (call?.name === undefined) return
    const handler = handlers[call.name] as ((argument: unknown) => unknown) | undefined
    void Promise.resolve()
      .then(() => {
        if (handler === undefined) throw new SealtrailError('INTERNAL', `no thread function ${call.name}`)
        return handler(call.argument)
      })
      .then(
        (value) => channel.postMessage({ id: call.id, value } satisfies Reply, []),
        (error: unknown) => channel.postMessage({ id: call.id, error: describe(error) } satisfies Reply, []),
      )
  })
}

/** Calls the handlers of the thread at the other end. When that thread ends, calls under way fail with NOT_READY. */
export class Caller {
  readonly #channel: Channel
  readonly #open = new Map<number, { resolve: (value: never) => void; reject: (error: SealtrailError) => void }>()
  #next = 1

  constructor(channel: Channel) {
    this.#channel = channel
    channel.on('message', (reply: Reply) => {
      const call = this.#open.get(reply?.id)
      if (call === undefined || 'name' in reply) return
      this.#open.delete(reply.id)
      if (reply.error !== undefined) call.reject(new SealtrailError(reply.error.code, reply.error.message))
      else call.resolve(reply.value as never)
    })
    const ended = (): void => {
      for (const call of this.#open.values()) call.reject(new SealtrailError('NOT_READY', 'a thread of the server ended'))
      this.#open.clear()
    }
    channel.on('close', ended)
    ;(channel as Worker).on('exit', ended)
  }

  call<T>(name: string, argument: unknown, transfer: readonly Transferable[] = []): Promise<T> {
    const id = this.#next++
    return new Promise<T>((resolve, reject) => {
      this.#open.set(id, { resolve: resolve as (value: never) => void, reject })
      this.#channel.postMessage({ id, name, argument } satisfies Call, transfer as Transferable[])
    })
  }
}

function describe(error: unknown): { code: ErrorCode; message: string } {
  if (error instanceof SealtrailError) return { code: error.code, message: error.message }
  return { code: 'INTERNAL', message: error instanceof Error ? error.name : 'unknown' }
}
