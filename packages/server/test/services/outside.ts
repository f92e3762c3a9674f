import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { goMissing, goTool } from '../../../../scripts/go-tools.ts'
import type { GoTool } from '../../../../scripts/go-tools.ts'

export { freePort } from './free-port.ts'

/** Paths of programs in Go, built where that must be; `skip` is node:test's option: why there are none, or false. */
export async function outside<const T extends GoTool>(
  ...names: readonly T[]
): Promise<{ readonly tools: Readonly<Record<T, string>>; readonly skip: string | false }> {
  const tools: Record<string, string> = {}
  for (const name of names) tools[name] = (await goTool(name)) ?? ''
  return { tools: tools as Record<T, string>, skip: goMissing() ?? false }
}

/** A folder of the suite's own, gone when it ends. */
export function scratch(): (...names: string[]) => string {
  const folder = mkdtempSync(join(tmpdir(), 'sealtrail-services-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return (...names) => join(folder, ...names)
}

const programs = new Set<Program>()
// For the whole file: what one test starts the next may need.
after(() => Promise.all([...programs].map((program) => program.stop())))

/** A program that runs beside the test; what it said is at hand when something goes wrong. */
export class Program {
  readonly child: ChildProcess
  said = ''

  constructor(command: string, args: readonly string[], options: SpawnOptions = {}) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options })
    for (const stream of [this.child.stdout, this.child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.said = (this.said + text).slice(-100_000)))
    this.child.on('error', (error) => (this.said += error.message))
    programs.add(this)
  }

  /** Waits until it has said something. @throws Error when it ends before, or has not said it after a minute */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const limit = AbortSignal.timeout(60_000)
    for (;;) {
      const match = pattern.exec(this.said)
      if (match !== null) return match
      if (this.child.exitCode !== null || limit.aborted) throw new Error(`it never said ${pattern}:\n${this.said}`)
      await Promise.race([
        once(this.child.stdout as NodeJS.ReadableStream, 'data'),
        once(this.child.stderr as NodeJS.ReadableStream, 'data'),
        once(this.child, 'exit'),
        once(limit, 'abort'),
      ])
    }
  }

  /** Waits until its port takes connections, for programs that say nothing when they listen. */
  async answers(url: string): Promise<void> {
    for (;;) {
      if (this.child.exitCode !== null) throw new Error(`it ended:\n${this.said}`)
      try {
        await fetch(url)
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined) return
    const gone = once(this.child, 'exit')
    this.child.kill(signal)
    const hard = setTimeout(() => this.child.kill('SIGKILL'), 10_000)
    await gone
    clearTimeout(hard)
  }
}

/** One of our Go programs: a question and an answer, a line of JSON each. */
export class Asked {
  readonly #program: Program
  readonly #answers: AsyncIterator<string>

  constructor(path: string, args: readonly string[] = []) {
    this.#program = new Program(path, args)
    this.#answers = createInterface({ input: this.#program.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  }

  /** What it answers. @throws Error with what it found wrong */
  async ask<A>(op: string, question: object): Promise<A> {
    this.#program.child.stdin?.write(`${JSON.stringify({ op, ...question })}\n`)
    const { value, done } = await this.#answers.next()
    if (done === true) throw new Error(`it ended:\n${this.#program.said}`)
    const { ok, error } = JSON.parse(value) as { ok: A; error?: string }
    if (error !== undefined) throw new Error(error)
    return ok
  }

  /** What it found wrong. @throws AssertionError when it found nothing, or did not understand the question */
  async refuses(op: string, question: object): Promise<string> {
    const said = await this.ask(op, question).then(
      () => null,
      (error: Error) => error.message,
    )
    const about = `${op} ${JSON.stringify(question).slice(0, 400)}`
    assert.ok(said !== null, `accepted: ${about}`)
    assert.ok(!/^(question|it ended)/.test(said), `${said}: ${about}`)
    return said
  }

  /** Waits until it has said something beside its answers. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#program.says(pattern)
  }

  /** Lets it end by itself, as programs do whose input ends. */
  async stop(): Promise<void> {
    this.#program.child.stdin?.end()
    if (this.#program.child.exitCode === null) await once(this.#program.child, 'exit')
  }
}

/** The text with another character at that place, one no reader can take for the same. */
export function bent(text: string, index: number): string {
  // `g` and `A` differ in the first bit: Go does not look at the last four of a character before `==`.
  return `${text.slice(0, index)}${text[index] === 'A' ? 'g' : 'A'}${text.slice(index + 1)}`
}
