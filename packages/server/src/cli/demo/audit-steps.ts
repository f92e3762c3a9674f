import { auditDirectory } from '../../config/open-audit.ts'
import { CALLER } from './call.ts'
import { copyAndHarm } from './harm.ts'
import { searchDirectory } from './search.ts'
import type { Story } from './story.ts'
import { count, size, some } from '../output.ts'

/** Looks for the caller's data in every file there is. */
export async function tellSearch(story: Story, data: string): Promise<void> {
  story.step('Every file under the data directory is searched for the caller')
  const values = { 'phone number': CALLER.phone.slice(2), name: CALLER.name, 'e-mail address': CALLER.email, 'card security code': `"${CALLER.securityCode}"` }
  const { files, bytes, found } = await searchDirectory(data, values)
  for (const hit of found.slice(0, 10)) story.show(hit)
  story.say(`${count(files)} files, ${size(bytes)} with the unpacked segments; as text, UTF-16, hex and base64; databases, logs and free pages included.`)
  story.check(`${Object.keys(values).join(', ')}: nowhere to be found`, found.length === 0 && files > 0)
}

/** Audits the directory; then a copy of which one byte was changed. */
export async function tellAudit(story: Story, data: string, copy: string, vkey: string, now: () => number): Promise<void> {
  story.step('The whole directory is audited (sealtrail verify)')
  const verdicts = await auditDirectory(data, { key: vkey, vault: true, now })
  for (const { log, ok, size: records, root } of verdicts)
    story.show(`${log.padEnd(14)} ${ok ? 'ok' : 'PROBLEM'}   ${some(records, 'record').padEnd(12)} root ${String(root).slice(0, 16)}…`)
  story.check('every record, every order number, every signature, every commitment', verdicts.length > 0 && verdicts.every(({ ok }) => ok))

  story.step('One byte is changed, in a copy')
  const harm = copyAndHarm(data, copy, 'interactions')
  story.say(`In the copy one bit is turned over: byte ${count(harm.offset)} of ${harm.file}.`)
  const harmed = await auditDirectory(copy, { key: vkey, vault: true, now })
  const problems = harmed.flatMap(({ log, problems }) => problems.map((problem) => ({ log, ...problem })))
  const named = problems.filter(({ log, object }) => log === 'interactions' && object.startsWith('interactions/segment/'))
  for (const { index, object, code, message } of named)
    story.show(`interactions${index === null ? '' : `, from record ${index} on`}: ${message} [${code}, ${object}]`)
  if (problems.length > named.length) story.show(`and ${some(problems.length - named.length, 'problem')} that follow from it`)
  story.check('caught, and the place is named', named.length > 0)
  story.check(
    'the other logs of the copy are still found whole',
    harmed.filter(({ log }) => log !== 'interactions').every(({ ok }) => ok),
  )
}
