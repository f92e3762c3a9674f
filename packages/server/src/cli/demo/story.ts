import type { Io } from '../command.ts'
import { printable } from '../output.ts'

const WIDTH = 100

/** The demo's voice: steps, plain sentences, and what was checked. With `quiet` it only keeps count. */
export class Story {
  readonly checks: Array<{ readonly what: string; readonly ok: boolean }> = []
  readonly #write: (text: string) => void
  #step = 0

  constructor(io: Pick<Io, 'stdout'>, quiet: boolean) {
    this.#write = quiet ? () => {} : (text) => io.stdout(text)
  }

  step(title: string): void {
    this.#write(`\n${++this.#step}. ${title}\n`)
  }

  /** A sentence or more, broken at words. */
  say(text: string): void {
    let line = ''
    for (const word of text.split(' ')) {
      if (line !== '' && line.length + word.length + 1 > WIDTH - 3) {
        this.#write(`   ${line}\n`)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    this.#write(`   ${line}\n`)
  }

  /** A line as it is: a row of a table, a piece of a record. */
  show(line: string): void {
    this.#write(`     ${printable(line)}\n`)
  }

  /** States something that was looked at, and whether it was so. */
  check(what: string, ok: boolean): void {
    this.checks.push({ what, ok })
    this.#write(`   ${ok ? '[ok]' : '[NOT AS IT SHOULD BE]'} ${what}\n`)
  }

  get ok(): boolean {
    return this.checks.every((check) => check.ok)
  }
}
