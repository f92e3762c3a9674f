import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { unpackFrame } from './unpack-frame.ts'
import type { Unpacked } from './unpack-frame.ts'

/** Fewer segments are done before a thread has started. */
const WORTH_A_THREAD = 64
const MOST_THREADS = 4

interface Thread {
  readonly worker: Worker
  readonly waiting: Array<{ readonly frame: Uint8Array; readonly resolve: (unpacked: Unpacked) => void }>
}

/** Unpacks frames on threads beside the one that audits, or on that one when there are few, or when a thread dies. */
export class Unpacker {
  readonly #threads: Thread[] = []
  #next = 0

  /** @param frames about how many will come. */
  constructor(frames: number) {
    const count = frames < WORTH_A_THREAD ? 0 : Math.min(MOST_THREADS, Math.max(1, availableParallelism() - 1))
    for (let i = 0; i < count; i++) this.#threads.push(this.#start())
  }

  unpack(frame: Uint8Array): Promise<Unpacked> {
    const thread = this.#threads[this.#next++ % Math.max(1, this.#threads.length)]
    if (thread === undefined) return Promise.resolve(unpackFrame(frame))
    return new Promise((resolve) => {
      thread.waiting.push({ frame, resolve })
      // A copy crosses: small buffers share their memory with others.
      thread.worker.postMessage(frame)
    })
  }

  close(): void {
    for (const { worker } of this.#threads.splice(0)) void worker.terminate()
  }

  #start(): Thread {
    const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './unpack-thread.ts' : './unpack-thread.js', import.meta.url))
    const thread: Thread = { worker, waiting: [] }
    worker.on('message', (unpacked: Unpacked) => thread.waiting.shift()?.resolve(unpacked))
    // A thread that dies says nothing about the frames: they are unpacked here.
    const ended = (): void => {
      const at = this.#threads.indexOf(thread)
      if (at >= 0) this.#threads.splice(at, 1)
      for (const { frame, resolve } of thread.waiting.splice(0)) resolve(unpackFrame(frame))
    }
    worker.on('error', ended)
    worker.on('exit', ended)
    return thread
  }
}
