import type { AffectedLog, ErasureBlock, ErasurePlan, ErasureView } from '../privacy/erasure.ts'
import { count, some, table } from './output.ts'

/** A plan as who decides reads it: what goes, what is in the way, what stays. */
export function planText(plan: ErasurePlan): string {
  const parts = [goes(plan)]
  if (plan.waiting > 0) parts.push(`${some(plan.waiting, 'event')} of the person wait to be sealed; that is waited for.\n`)
  parts.push(
    plan.blocks.length === 0
      ? 'Nothing is in the way.\n'
      : `In the way, until all of it has ended:\n${plan.blocks.map((block) => `  ${blockText(block)}\n`).join('')}`,
  )
  if (plan.exports.length > 0)
    parts.push(
      `Bundles that were handed out, and cannot be reached:\n${table(
        plan.exports.map(({ id, at, to, purpose }) => [`  ${id}`, at, `made for ${to}`, purpose === null ? '' : `for ${purpose}`]),
      )}`,
    )
  parts.push(`What stays, and what cannot be reached:\n${plan.stays.map((sentence) => `  - ${sentence}\n`).join('')}`)
  parts.push(
    plan.needsApproval ? 'A second person has to approve it.\n' : 'It begins when it is asked for: nobody else has to approve it (auth.dualControl).\n',
  )
  return parts.join('\n')
}

function goes({ logs, aliases, keys, interactions }: ErasurePlan): string {
  const person = `${some(aliases, 'name')} of one person, under ${some(keys, 'key')}`
  const along = interactions === 0 ? '' : `; with them what belongs to nobody known in ${some(interactions, 'call or message', 'calls and messages')}`
  if (logs.length === 0) return `${person}${along}. No sealed record holds a value of this person.\n`
  const day = (time: string | null): string => time?.slice(0, 10) ?? ''
  const row = ({ log, records, fields, withOthers, first, last }: AffectedLog): string[] => [
    `  ${log}`,
    count(records),
    count(fields),
    count(withOthers),
    day(first),
    day(last),
  ]
  return `${person}${along}. Gone for ever would be:\n${table([['  log', 'records', 'values', 'with others', 'from', 'to'], ...logs.map(row)])}`
}

export function blockText(block: ErasureBlock): string {
  if (block.kind === 'hold')
    return `legal hold ${block.hold === '' ? '(all)' : block.hold} on ${some(block.records, 'record')}: ${block.reason}; until it is released`
  return `obligation to keep the content of ${some(block.records, 'record')} in ${block.log}: ${block.basis}; until ${block.until}`
}

/** Where an erasure stands, in one line. */
export function stateText(view: ErasureView): string {
  const { requested, approved, expires, blocks, problem } = view
  const by = `asked for by ${requested.by} on ${requested.at}${approved === null ? '' : `, approved by ${approved.by}`}`
  const trouble = problem === null ? '' : `; does not go on: ${problem}`
  switch (view.state) {
    case 'requested':
      return `requested: ${by}, to be approved until ${expires ?? ''}${trouble}`
    case 'deferred':
      return `deferred: ${by}; ${blocks.length === 0 ? 'begins next' : `${some(blocks.length, 'block')} in the way`}${trouble}`
    case 'running':
      return `running since ${view.started ?? ''}: ${by}${trouble}`
    case 'completed':
      return `completed on ${view.completed ?? ''}: ${some(view.records ?? 0, 'record')}, certificate ${view.certificate ?? ''}; ${by}`
    case 'withdrawn':
      return `withdrawn by ${view.withdrawn?.by ?? ''} on ${view.withdrawn?.at ?? ''}: ${view.withdrawn?.reason ?? ''}; ${by}`
    case 'expired':
      return `expired on ${expires ?? ''}: ${by}`
  }
}
