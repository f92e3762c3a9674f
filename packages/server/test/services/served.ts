import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ed25519Verifier, encodeBase64, openCheckpoint } from '@sealtrail/tlog'
import type { VerifiedCheckpoint } from '@sealtrail/tlog'
import { receipt } from '../cli/io.ts'
import { Program } from './outside.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const NODE = ['--conditions=@sealtrail/source', MAIN]
export const LOG = 'notifications'

/** A size and a root, as the Go programs read them. */
export interface Tree {
  readonly size: number
  readonly root: string
}

export function treeOf({ size, root }: Pick<VerifiedCheckpoint, 'size' | 'root'>): Tree {
  return { size: Number(size), root: encodeBase64(root) }
}

/** Runs one of Sealtrail's commands in a process of its own. */
export async function command(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<{ exit: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [...NODE, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const exit = await new Promise<number | null>((resolve) => child.on('close', resolve))
  return { exit, out, err }
}

/** `sealtrail …` that goes on running. */
export function running(...args: string[]): Program {
  return new Program(process.execPath, [...NODE, ...args])
}

/** A real server, as an operator starts it. */
export class Served {
  readonly data: string
  readonly program: Program
  readonly url: string
  readonly #token: string

  private constructor(data: string, program: Program, url: string) {
    this.data = data
    this.program = program
    this.url = url
    this.#token = readFileSync(join(data, 'admin.token'), 'utf8').trim()
  }

  /** @param yaml the configuration; it is kept beside the data directory. @param more further options of `serve` */
  static async start(data: string, yaml = '', ...more: readonly string[]): Promise<Served> {
    mkdirSync(join(data, '..'), { recursive: true })
    const config = `${data}.yaml`
    writeFileSync(config, yaml)
    const program = running('serve', '--data', data, '--port', '0', '--config', config, ...more)
    const [, url] = await program.says(/^listening (http:\S+)$/m)
    return new Served(data, program, url as string)
  }

  /** For commands that ask this server. */
  get env(): Record<string, string> {
    return { SEALTRAIL_URL: this.url, SEALTRAIL_TOKEN: this.#token }
  }

  get token(): string {
    return this.#token
  }

  /** URL prefix of the log (C2SP tlog-tiles). */
  get prefix(): string {
    return `${this.url}/log/${LOG}`
  }

  async get(path: string): Promise<Response> {
    return fetch(`${this.url}${path}`, { headers: { authorization: `Bearer ${this.#token}` } })
  }

  async text(path: string): Promise<string> {
    const answer = await this.get(path)
    const text = await answer.text()
    assert.equal(answer.status, 200, `${path}: ${text}\n${this.program.said}`)
    return text
  }

  /** Sends the receipts of these numbers. */
  post(numbers: readonly number[]): Promise<Response> {
    return fetch(`${this.url}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
      body: JSON.stringify(numbers.map((n) => receipt(n))),
    })
  }

  /** Seals receipts `first..first + count - 1`; resolves to their ids when the disk has them. */
  async seal(first: number, count: number): Promise<string[]> {
    const ids: string[] = []
    for (let at = first; at < first + count; at += 1_000) {
      const answer = await this.post(Array.from({ length: Math.min(1_000, first + count - at) }, (_, i) => at + i))
      const text = await answer.text()
      assert.ok(answer.ok, text)
      ids.push(...(JSON.parse(text) as { auditid: string }[]).map(({ auditid }) => auditid))
    }
    return ids
  }

  /** Waits until its log says something. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.program.says(pattern)
  }

  /** Verification key of the log. */
  async vkey(): Promise<string> {
    const { exit, out, err } = await command(['key', 'show', LOG], this.env)
    assert.equal(exit, 0, err)
    return out.trim()
  }

  async checkpoint(): Promise<string> {
    return this.text(`/log/${LOG}/checkpoint`)
  }

  open(note: string, vkey: string): VerifiedCheckpoint {
    const verifier = ed25519Verifier(vkey)
    return openCheckpoint(note, { origin: verifier.name, log: [verifier] })
  }

  /** The sealed bytes of a record. */
  async entry(id: string): Promise<Uint8Array> {
    const { leaf } = JSON.parse(await this.text(`/api/v1/records/${encodeURIComponent(id)}`)) as { leaf: string }
    return Buffer.from(leaf)
  }

  async stop(): Promise<void> {
    await this.program.stop()
    assert.equal(this.program.child.exitCode, 0, this.program.said)
  }
}
