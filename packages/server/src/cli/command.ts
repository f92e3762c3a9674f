/** What a command sees of the world; tests give their own. */
export interface Io {
  stdout(text: string): void
  stderr(text: string): void
  readonly stdin: AsyncIterable<Uint8Array>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Milliseconds since the epoch. */
  now(): number
  /** Whether stderr is a terminal: bars there, plain lines elsewhere. */
  readonly terminal: boolean
  readonly columns: number
  /** Aborted when the process is asked to end. */
  readonly stopping: AbortSignal
}

export interface Option {
  readonly type: 'string' | 'boolean'
  /** How its value is called in the help, e.g. `DIR`. */
  readonly value?: string
  readonly what: string
  /** May be given several times; `all` has each. */
  readonly multiple?: boolean
  /** One letter, for `-o`. */
  readonly short?: string
}

export interface Context extends Io {
  /** Text of an option, or undefined; the last one given. */
  text(name: string): string | undefined
  /** Every text of an option that may be given several times. */
  all(name: string): readonly string[]
  flag(name: string): boolean
  /** What is no option, without the command's own name. */
  readonly words: readonly string[]
  readonly json: boolean
}

/** 0 ok, 1 found a problem, 2 wrong use, 3 could not run. */
export type Exit = 0 | 1 | 2 | 3

/** One command of `sealtrail`. `--json` and `--help` are every command's own. */
export interface Command {
  readonly name: string
  /** One line, for the list of commands. */
  readonly summary: string
  /** What follows `sealtrail`, one line for each form. */
  readonly usage: readonly string[]
  readonly options: Readonly<Record<string, Option>>
  /** @throws SealtrailError: its code decides the exit. */
  run(ctx: Context): Promise<Exit>
}
