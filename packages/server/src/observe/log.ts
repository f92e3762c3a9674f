export type Level = 'debug' | 'info' | 'warn' | 'error'
const RANK: Readonly<Record<Level, number>> = { debug: 10, info: 20, warn: 30, error: 40 }

/** Fields of a log line: codes, names, counts, route templates. Never a personal value, a token or a body. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** One JSON object per line on stderr: `{"time","level","message",…fields}`. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** A log that writes lines of at least `level` through `write` (stderr when not given); `message` is fixed text, what varies goes in `fields`. */
export function createLog(options: { level?: Level; now: () => number; write?: (line: string) => void }): Log {
  const least = RANK[options.level ?? 'info']
  const write = options.write ?? ((line: string): void => void process.stderr.write(line))
  const at =
    (level: Level) =>
    (message: string, fields?: LogFields): void => {
      if (RANK[level] < least) return
      const line: Record<string, unknown> = { time: new Date(options.now()).toISOString(), level, message }
      for (const key in fields) if (!Object.hasOwn(line, key)) line[key] = fields[key]
      write(`${JSON.stringify(line)}\n`)
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/**
 * What a log line may say of an unexpected error: its class and the system's code, and where it was thrown – not its
 * message, which a parser or a driver may have built from a personal value.
 */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: typeof error }
  const code = (error as { code?: unknown }).code
  // The stack repeats the message first, and a message may look like frames.
  const after = error.message === '' ? 0 : (error.stack?.indexOf(error.message) ?? -1)
  const frames = after < 0 ? '' : (error.stack ?? '').slice(after + error.message.length)
  const frame = /^\s+at .*?([\w.@-]+\/[\w.@-]+:\d+):\d+\)?$/m.exec(frames)?.[1]
  return { error: error.name, cause: typeof code === 'string' ? code : undefined, at: frame }
}
