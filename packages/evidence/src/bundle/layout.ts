import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import type { BundleLog, BundleManifest } from './format.ts'
import { TIMESTAMP_FILES } from './timestamps.ts'

/** Whether the manifest names exactly the files this format has, and its parts agree with each other. */
export function checkLayout({ asked, logs, files }: BundleManifest, report: (problem: Problem) => void): void {
  const paths = new Set(files.map(({ path }) => path))
  const known = new Set(['README.md', 'CERTIFICATE-DRAFT.md', 'keys.json'])
  const needed = [...known]
  const byName = new Map(logs.map((each) => [each.log, each]))
  const origins = new Map(logs.map(({ origin }, i) => [origin, i]))
  for (const { log, records, range, timestamps } of logs) {
    needed.push(`log/${log}/checkpoint`)
    if (records > 0) needed.push(`log/${log}/records.ndjson`, `disclosures/${log}.sd-jwt`)
    if (range === null) needed.push(`log/${log}/proofs.ndjson`)
    for (const name of ['records.ndjson', 'fields.ndjson']) known.add(`log/${log}/${name}`)
    for (const kind of ['ndjson', 'sd-jwt']) known.add(`disclosures/${log}.${kind}`)
    for (const name of timestamps) for (const file of TIMESTAMP_FILES) known.add(`log/${log}/timestamp/${name}/${file}`)
  }
  for (const [i, { log, origin }] of logs.entries()) {
    // attacker: another log of the same operator, under the name that was asked for.
    if (origin !== log && !origin.endsWith(`/${log}`))
      report(problemOf('CHECKPOINT_LOG', `log/${log}/checkpoint`, null, 'its origin does not end in this name'))
    if (origins.get(origin) !== i) report(problemOf('CHECKPOINT_LOG', `log/${log}/checkpoint`, null, 'another log here has the same origin'))
  }
  for (const path of needed) {
    known.add(path)
    if (!paths.has(path)) report(problemOf('BUNDLE_FILE_MISSING', path, null))
  }
  for (const path of paths) if (!known.has(path) && !ofMany(path, byName)) report(problemOf('BUNDLE_FILE_FORMAT', path, null, 'no file of this format'))
  const ranges = logs.filter(({ range }) => range !== null)
  const agrees =
    asked.kind === 'range'
      ? logs.length === 1 && ranges.length === 1 && logs[0]?.log === asked.log && logs[0].range?.from === asked.from && logs[0].range.to === asked.to
      : ranges.length === 0
  if (!agrees) report(problemOf('BUNDLE_COUNT', 'manifest.json', null, 'what was asked and what is there do not agree'))
}

function ofMany(path: string, logs: ReadonlyMap<string, BundleLog>): boolean {
  if (/^schemas\/[^/]+\.json$/.test(path) || /^certificates\/[0-9a-f]{32}\.json$/.test(path)) return true
  const [, name, rest] = /^log\/([^/]+)\/(.*)$/s.exec(path) ?? []
  const log = logs.get(name ?? '')
  if (log === undefined || rest === undefined) return false
  if (/^object\/[0-9a-f]{64}$/.test(rest)) return true
  return /^proof\/(0|[1-9][0-9]*)\.tlog-proof$/.test(rest) || (log.range !== null && /^tile\/[0-9]{1,2}\/[x0-9/]+(\.p\/[0-9]{1,3})?$/.test(rest))
}
