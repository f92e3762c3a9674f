import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { encodeBase64, ed25519Signer, formatCheckpoint, leafHash, nodesInMemory, proveConsistency, rootOf, signNote } from '@sealtrail/tlog'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const CHILD = fileURLToPath(new URL('./child.ts', import.meta.url))

/** `sealtrail witness serve` in a process of its own. */
export class WitnessProcess {
  readonly child: ChildProcess
  readonly ended: Promise<number | NodeJS.Signals | null>
  /** What it printed; rejects with stderr when it ends before it listens. */
  readonly listening: Promise<{ listening: string; vkey: string; policy: string; logs: string[] }>

  /** The command itself. */
  static command(...args: string[]): WitnessProcess {
    return new WitnessProcess([MAIN, 'witness', 'serve', '--json', '--listen', '127.0.0.1:0', ...args])
  }

  /** The service alone, which is up in a moment. */
  static bare(data: string, name: string, vkey: string, env: Readonly<Record<string, string>> = {}): WitnessProcess {
    return new WitnessProcess([CHILD, data, name, vkey], env)
  }

  private constructor(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.child = spawn(process.execPath, ['--conditions=@sealtrail/source', ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let err = ''
    this.child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()))
    this.ended = new Promise((resolve) => this.child.once('close', (code, signal) => resolve(signal ?? code)))
    this.listening = new Promise((resolve, reject) => {
      this.child.stdout?.once('data', (chunk: Buffer) => resolve(JSON.parse(chunk.toString())))
      void this.ended.then(() => reject(new Error(err)))
    })
    this.listening.catch(() => {})
  }

  async stop(): Promise<void> {
    this.child.kill('SIGTERM')
    await this.ended
  }
}

/** A log in memory that can have several histories. */
export class Tree {
  readonly signer
  readonly leaves: Uint8Array[] = []

  constructor(origin: string, seed = 11) {
    this.signer = ed25519Signer(origin, new Uint8Array(32).fill(seed))
  }

  /** A history that differs from leaf `from` on. */
  fork(from: number): Tree {
    const other = new Tree(this.signer.name)
    other.leaves.push(...this.leaves.slice(0, from))
    return other
  }

  grow(to: number, tag = ''): this {
    while (this.leaves.length < to) this.leaves.push(leafHash(Buffer.from(`${tag}${this.leaves.length}`)))
    return this
  }

  note(size: number): string {
    const root = rootOf(new Uint8Array(Buffer.concat(this.leaves.slice(0, size))))
    return signNote(formatCheckpoint({ origin: this.signer.name, size: BigInt(size), root }), [this.signer])
  }

  /** An add-checkpoint body. */
  request(old: number, size: number): string {
    const read = nodesInMemory(new Uint8Array(Buffer.concat(this.leaves.slice(0, size))))
    const proof = old === 0 || old >= size ? [] : proveConsistency(BigInt(old), BigInt(size), read)
    return `old ${old}\n${proof.map((hash) => `${encodeBase64(hash)}\n`).join('')}\n${this.note(size)}`
  }
}

export async function add(url: string, body: string | Uint8Array): Promise<{ status: number; type: string; text: string }> {
  const answer = await fetch(`${url}/add-checkpoint`, { method: 'POST', body: body as string })
  return { status: answer.status, type: answer.headers.get('content-type') ?? '', text: await answer.text() }
}
