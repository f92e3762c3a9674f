import { parseArgs } from 'node:util'
import { readRange } from '../report/range-text.ts'

/** Wrong use of the command line, or something named there that is not what it should be: exit 2. */
export class UsageError extends Error {}

/** The file, a disk: exit 3. */
export class RunError extends Error {}

export interface Wanted {
  readonly file: string
  readonly record: string | null
  readonly keys: readonly string[]
  readonly policy: string | null
  readonly roots: readonly string[]
  readonly range: { readonly log: string; readonly from: number; readonly to: number } | null
  readonly subject: string | null
  readonly json: boolean
  readonly records: boolean
  readonly allowUnestablished: boolean
}

const OPTIONS = {
  record: { type: 'string' },
  key: { type: 'string', multiple: true },
  policy: { type: 'string' },
  'tsa-roots': { type: 'string', multiple: true },
  range: { type: 'string' },
  subject: { type: 'string' },
  records: { type: 'boolean' },
  json: { type: 'boolean' },
  'allow-unestablished': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const

export const HELP = `sealtrail-verify BUNDLE.zip [--key VKEY]... [--policy FILE] [--tsa-roots PEM]...
sealtrail-verify PROOF.tlog-proof --record FILE [--key VKEY]... [--policy FILE]
sealtrail-verify RECEIPT.json --record FILE [--key VKEY]... [--policy FILE]
sealtrail-verify CERTIFICATE.json [--key VKEY]... [--policy FILE]

Checks evidence of a Sealtrail log, on this machine alone: it opens no connection and writes no file.

What you know from elsewhere than the file (a key that came with it proves nothing about who signed):
  --key VKEY         key of the log, or a file that holds it; may be given several times; for a certificate of an erasure
                     that of any log of the same server
  --policy FILE      which witnesses must have countersigned (C2SP tlog-policy)
  --tsa-roots PEM    root certificates of time-stamping authorities; may be given several times

What you asked for, if you want it compared with what you got:
  --range LOG:A..B   records A to B-1 of a log, as the export was asked for
  --subject ID       everything about one call or message

  --record FILE      the record a proof or receipt is about, as sealed, or the server's answer about it
  --records          also list the records with their values
  --json             one JSON object instead of text
  --allow-unestablished   exit 0 also when everything is consistent and who signed is not established
  --help, --version

Exit: 0 verified; 1 a problem was found, or the signer is not established; 2 wrong use; 3 could not run.
`

/** @returns 'help' or 'version' when that is asked for. @throws UsageError */
export function parseUsage(argv: readonly string[]): Wanted | 'help' | 'version' {
  let parsed
  try {
    parsed = parseArgs({ args: [...argv], options: OPTIONS, allowPositionals: true, strict: true })
  } catch (cause) {
    throw new UsageError((cause as Error).message.split('. ')[0], { cause })
  }
  const { values, positionals } = parsed
  if (values.help === true) return 'help'
  if (values.version === true) return 'version'
  const [file, ...more] = positionals
  if (file === undefined) throw new UsageError('name the file to check')
  if (more.length > 0) throw new UsageError('name one file')
  return {
    file,
    record: values.record ?? null,
    keys: values.key ?? [],
    policy: values.policy ?? null,
    roots: values['tsa-roots'] ?? [],
    range: values.range === undefined ? null : rangeOf(values.range),
    subject: values.subject ?? null,
    json: values.json === true,
    records: values.records === true,
    allowUnestablished: values['allow-unestablished'] === true,
  }
}

/** Of `--range`. @throws UsageError */
export function rangeOf(text: string): Wanted['range'] {
  const range = readRange(text)
  if (range === null) throw new UsageError('--range is LOG:A..B, two record numbers, the smaller first')
  return range
}
