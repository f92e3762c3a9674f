import { parseArgs } from 'node:util'
import { nearest } from '../config/nearest.ts'
import { ERRORS, SealtrailError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { Command, Context, Exit, Io, Option } from './command.ts'
import { COMMANDS, LATER } from './commands.ts'
import { table } from './output.ts'

const COMMON: Readonly<Record<string, Option>> = {
  json: { type: 'boolean', what: 'answer as JSON' },
  help: { type: 'boolean', what: 'this text' },
}

/** Runs one command line (without `node` and the script); resolves to the process's exit code and never rejects. */
export async function run(argv: readonly string[], io: Io): Promise<Exit> {
  const [name, ...rest] = argv
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const command = name === 'help' && rest[0] !== undefined ? COMMANDS.find((each) => each.name === rest[0]) : undefined
    const text = command === undefined ? overview() : help(command)
    if (name === undefined) io.stderr(text)
    else io.stdout(text)
    return name === undefined ? 2 : 0
  }
  const command = COMMANDS.find((each) => each.name === name)
  const json = rest.includes('--json')
  try {
    if (command === undefined) throw new SealtrailError('USAGE', unknown(name))
    const ctx = contextOf(command, rest, io)
    if (ctx.flag('help')) {
      io.stdout(help(command))
      return 0
    }
    return await command.run(ctx)
  } catch (error) {
    return report(error, io, json)
  }
}

function contextOf(command: Command, args: readonly string[], io: Io): Context {
  let parsed
  try {
    const options = Object.fromEntries(
      Object.entries({ ...command.options, ...COMMON }).map(([name, { type, short, multiple = false }]) => [
        name,
        { type, multiple, ...(short === undefined ? {} : { short }) },
      ]),
    )
    parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (cause) {
    throw new SealtrailError('USAGE', (cause as Error).message.split('. ')[0] as string, { cause })
  }
  const { values, positionals } = parsed
  const all = (name: string): readonly string[] => [values[name] ?? []].flat().filter((value) => typeof value === 'string')
  return {
    ...io,
    text: (name) => all(name).at(-1),
    all,
    flag: (name) => values[name] === true,
    words: positionals,
    json: values['json'] === true,
  }
}

function unknown(name: string): string {
  if (LATER.has(name)) return `the command ${name} is not in this version`
  const meant = nearest(
    name,
    COMMANDS.map((each) => each.name),
  )
  const shown = /^[a-z-]{1,32}$/.test(name) ? `there is no command ${name}` : 'there is no such command'
  return meant === null ? `${shown}; sealtrail --help lists them` : `${shown}; did you mean ${meant}?`
}

/** What went wrong, on stderr, and the exit it means. */
function report(error: unknown, io: Io, json: boolean): Exit {
  const { code, message } = error instanceof SealtrailError ? error : systemError(error)
  const { todo } = ERRORS[code]
  if (json) io.stderr(`${JSON.stringify({ error: { code, message, todo } })}\n`)
  else io.stderr(`sealtrail: ${message}\n  ${todo}\n  (${code})\n`)
  if (code === 'INTERNAL' && !json && error instanceof Error) io.stderr(`${error.stack?.split('\n').slice(1, 6).join('\n')}\n`)
  return exitOf(code)
}

function systemError(error: unknown): { code: ErrorCode; message: string } {
  const code = (error as NodeJS.ErrnoException | null)?.code
  if (code === 'EADDRINUSE') return { code: 'NOT_READY', message: 'the port is taken by another program; choose another with --port' }
  if (code === 'EACCES' || code === 'EADDRNOTAVAIL') return { code: 'NOT_READY', message: `the address cannot be listened on (${code})` }
  if (code === 'ENOSPC' || code === 'EROFS') return { code: 'DATA_UNWRITABLE', message: `a file cannot be written (${code})` }
  return { code: 'INTERNAL', message: `${ERRORS.INTERNAL.title}${code === undefined ? '' : ` (${code})`}` }
}

function exitOf(code: ErrorCode): Exit {
  switch (code) {
    case 'USAGE':
    case 'BAD_REQUEST':
    case 'NO_IDENTIFIER':
    case 'UNKNOWN_TRAIL':
      return 2
    case 'NOT_FOUND':
      return 1
    default:
      return 3
  }
}

function overview(): string {
  return `sealtrail turns contact-centre events into evidence

usage: sealtrail COMMAND [--json] [--help]

${table(COMMANDS.map(({ name, summary }) => [`  ${name}`, summary]))}
exit: 0 ok, 1 found a problem, 2 wrong use, 3 could not run
`
}

function help({ name, summary, usage, options }: Command): string {
  const all: Record<string, Option> = { ...options, ...COMMON }
  const rows = Object.entries(all).map(([option, { value, what, short }]) => [
    `  ${short === undefined ? '' : `-${short}, `}--${option}${value === undefined ? '' : ` ${value}`}`,
    what,
  ])
  const forms = usage.map((line, i) => `${i === 0 ? 'usage:' : '      '} sealtrail ${name}${line === '' ? '' : ` ${line}`}`)
  return `${summary}\n\n${forms.join('\n')}\n\n${table(rows)}`
}
