import type { Io } from './command.ts'
import { count } from './output.ts'

const BAR_EVERY_MS = 100
const LINE_EVERY_MS = 5_000

/** How far a long piece of work is, on stderr: a bar on a terminal, elsewhere a plain line every few seconds. */
export class Progress {
  readonly #io: Pick<Io, 'stderr' | 'terminal' | 'columns' | 'now'>
  readonly #what: string
  readonly #startedMs: number
  #shownMs: number
  #drawn = false

  /** @param what names the work, e.g. `interactions`. */
  constructor(io: Pick<Io, 'stderr' | 'terminal' | 'columns' | 'now'>, what: string) {
    this.#io = io
    this.#what = what
    this.#startedMs = io.now()
    this.#shownMs = this.#startedMs
  }

  /** @param share 0 to 1, or null when the end is not known. @param note what has been done, e.g. `12,000 events`. */
  at(share: number | null, note: string): void {
    const now = this.#io.now()
    if (now - this.#shownMs < (this.#io.terminal ? BAR_EVERY_MS : LINE_EVERY_MS)) return
    this.#shownMs = now
    this.#io.stderr(this.#io.terminal ? `\r${this.#bar(share, note)}\u001b[K` : `${this.#plain(share, note)}\n`)
    this.#drawn = this.#io.terminal
  }

  /** Clears the bar, so that what follows stands on a line of its own. */
  done(): void {
    if (this.#drawn) this.#io.stderr('\r\u001b[K')
    this.#drawn = false
  }

  #plain(share: number | null, note: string): string {
    return `${this.#what}: ${note}${share === null ? '' : ` (${percent(share)})`}, ${count(Math.round((this.#io.now() - this.#startedMs) / 1000))} s`
  }

  #bar(share: number | null, note: string): string {
    if (share === null) return `${this.#what} ${note}`.slice(0, this.#io.columns - 1)
    const width = Math.max(10, Math.min(40, this.#io.columns - this.#what.length - note.length - 12))
    const full = Math.round(Math.min(1, Math.max(0, share)) * width)
    return `${this.#what} [${'#'.repeat(full)}${'.'.repeat(width - full)}] ${percent(share)} ${note}`.slice(0, this.#io.columns - 1)
  }
}

const percent = (share: number): string => `${Math.floor(Math.min(1, Math.max(0, share)) * 100)} %`
