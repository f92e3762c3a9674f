import { checkFile, rangeOf, RunError, UsageError } from '@sealtrail/evidence/cli'
import { SealtrailError } from '../errors.ts'
import type { Context, Exit, Option } from './command.ts'

/** Options that go with an evidence bundle, a proof or a receipt only. */
export const FILE_OPTIONS: Readonly<Record<'range' | 'subject' | 'record' | 'records' | 'allow-unestablished', Option>> = {
  range: { type: 'string', value: 'LOG:A..B', what: 'of a bundle: the records that were asked for, compared with what is there' },
  subject: { type: 'string', value: 'ID', what: 'of a bundle: the call or message that was asked for' },
  record: { type: 'string', value: 'FILE', what: 'the record a proof or receipt is about, as sealed, or the server’s answer about it' },
  records: { type: 'boolean', what: 'of a bundle, proof or receipt: also list the records with their values' },
  'allow-unestablished': { type: 'boolean', what: 'of a bundle, proof or receipt: exit 0 also when all is consistent and who signed is not established' },
}

/**
 * Checks a file as `sealtrail-verify` does, with its words and exits: who signed not being established is no success there.
 * @throws SealtrailError USAGE, FILE_UNREADABLE
 */
export async function verifyFile(ctx: Context, file: string): Promise<Exit> {
  const range = ctx.text('range')
  try {
    return await checkFile(
      {
        file,
        record: ctx.text('record') ?? null,
        keys: ctx.all('key'),
        policy: ctx.text('policy') ?? null,
        roots: ctx.all('tsa-roots'),
        range: range === undefined ? null : rangeOf(range),
        subject: ctx.text('subject') ?? null,
        json: ctx.json,
        records: ctx.flag('records'),
        allowUnestablished: ctx.flag('allow-unestablished'),
      },
      ctx,
    )
  } catch (cause) {
    if (cause instanceof UsageError) throw new SealtrailError('USAGE', cause.message, { cause })
    if (cause instanceof RunError) throw new SealtrailError('FILE_UNREADABLE', cause.message, { cause })
    throw cause
  }
}
