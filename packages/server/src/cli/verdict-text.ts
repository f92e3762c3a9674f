import type { Commitments, LockSummary, LogVerdict, TimestampSummary } from '../verify/verdict.ts'
import type { Context } from './command.ts'
import { count, printable, some } from './output.ts'

const MAX_SHOWN = 20

/** One line of `--json`: these members, in this order. */
export function lineOf({ ok, log, size, root, trust, problems, locks }: LogVerdict): object {
  return {
    ok,
    log,
    size,
    root,
    trust,
    problems: problems.map(({ index, object, code, message }) => ({ index, object, code, message })),
    ...(locks === undefined ? {} : { locks }),
  }
}

/** What was found of a log, for people. */
export function tell(ctx: Context, { ok, log, size, root, problems, more, notes, commitments, timestamps, locks }: LogVerdict): void {
  const name = log === '*' ? 'data directory' : `log ${log}`
  ctx.stdout(`${ok ? 'ok      ' : 'PROBLEM '} ${name}${log === '*' ? '' : `: ${some(size, 'record')}${root === null ? '' : `, root ${root}`}`}\n`)
  tellProblems(ctx, { problems, more })
  if (commitments !== null && commitments.disclosed + commitments.erased + commitments.missing + (commitments.expired ?? 0) > 0) tellValues(ctx, commitments)
  if (timestamps !== null && timestamps !== undefined) tellTime(ctx, timestamps)
  if (locks !== undefined) tellLocks(ctx, locks)
  tellNotes(ctx, notes)
}

export function tellProblems(ctx: Context, { problems, more }: Pick<LogVerdict, 'problems' | 'more'>): void {
  for (const { index, object, code, message } of problems.slice(0, MAX_SHOWN)) {
    ctx.stdout(`          ${index === null ? '' : `record ${count(index)}: `}${printable(message)}\n            ${code}, ${printable(object)}\n`)
  }
  const hidden = Math.max(0, problems.length - MAX_SHOWN) + more
  if (hidden > 0) ctx.stdout(`          and ${some(hidden, 'more problem')}; --json lists them\n`)
}

export function tellNotes(ctx: Context, notes: LogVerdict['notes']): void {
  for (const { object, message } of notes.slice(0, MAX_SHOWN)) ctx.stdout(`          note: ${printable(object)}: ${printable(message)}\n`)
}

function tellValues(ctx: Context, { disclosed, erased, erasedUnder, expired = 0, missing }: Commitments): void {
  ctx.stdout(
    `          personal values: ${some(disclosed, 'record')} with every value in the vault as committed, ${count(erased)} erased, ${count(expired)} expired, ${count(missing)} with problems\n`,
  )
  const certificates = [...erasedUnder].sort(([, a], [, b]) => b - a)
  for (const [id, records] of certificates.slice(0, MAX_SHOWN)) ctx.stdout(`            ${some(records, 'record')} erased under ${id}\n`)
  if (certificates.length > MAX_SHOWN) ctx.stdout(`            and under ${some(certificates.length - MAX_SHOWN, 'more certificate')}\n`)
}

function tellLocks(ctx: Context, { objects, modes, earliest, holds }: LockSummary): void {
  const until = earliest === null ? 'none of them locked' : `${modes.join(' and ')}, the first until ${earliest}`
  ctx.stdout(`          locks: ${some(objects, 'object')}, ${until}${holds === 0 ? '' : `; ${count(holds)} under a legal hold`}\n`)
}

function tellTime(ctx: Context, { count: stamps, newest }: TimestampSummary): void {
  const begin = `          time stamps: ${count(stamps)}`
  if (newest === null) return ctx.stdout(`${begin}, none of them good\n`)
  const { size, latest, tsa, established, revocationAsOf } = newest
  if (!established) return ctx.stdout(`${begin}, consistent; who gave them is not established: give the authority's root with --tsa-roots\n`)
  const standing =
    revocationAsOf === null ? 'no revocation list kept that clears it' : `not revoked according to the lists kept with it, the oldest of ${revocationAsOf}`
  ctx.stdout(`${begin}; the first ${some(size, 'record')} were sealed by ${latest}, says ${printable(tsa)} (certificate: ${standing})\n`)
}
