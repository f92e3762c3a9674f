import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import type { BundleManifest } from './format.ts'
import { TIMESTAMP_FILES } from './timestamps.ts'

/** Whether the manifest names exactly the files this format has, and its parts agree with each other. */
export function checkLayout({ asked, logs, files }: BundleManifest, report: (problem: Problem) => void): void {
  const paths = new Set(files.map(({ path }) => path))
  const known = new Set(['README.md', 'CERTIFICATE-DRAFT.md', 'keys.json'])
  const needed = [...known]
  for (const { log, records, range, timestamps } of logs) {
    needed.push(`log/${log}/checkpoint`)
    if (records > 0) needed.push(`log/${log}/records.ndjson`, `disclosures/${log}.sd-jwt`)
    if (range === null) needed.push(`log/${log}/proofs.ndjson`)
    for (const name of ['records.ndjson', 'fields.ndjson']) known.add(`log/${log}/${name}`)
    for (const kind of ['ndjson', 'sd-jwt']) known.add(`disclosures/${log}.${kind}`)
    for (const name of timestamps) for (const file of TIMESTAMP_FILES) known.add(`log/${log}/timestamp/${name}/${file}`)
  }
  for (const path of needed) {
    known.add(path)
    if (!paths.has(path)) report(problemOf('BUNDLE_FILE_MISSING', path, null))
  }
  for (const path of paths) if (!known.has(path) && !ofMany(path, logs)) report(problemOf('BUNDLE_FILE_FORMAT', path, null, 'no file of this format'))
  const ranges = logs.filter(({ range }) => range !== null)
  const agrees =
    asked.kind === 'range'
      ? logs.length === 1 && ranges.length === 1 && logs[0]?.log === asked.log && logs[0].range?.from === asked.from && logs[0].range.to === asked.to
      : ranges.length === 0
  if (!agrees) report(problemOf('BUNDLE_COUNT', 'manifest.json', null, 'what was asked and what is there do not agree'))
}

function ofMany(path: string, logs: BundleManifest['logs']): boolean {
  if (/^schemas\/[^/]+\.json$/.test(path) || /^certificates\/[^/]+\.json$/.test(path)) return true
  const log = logs.find((each) => path.startsWith(`log/${each.log}/`))
  if (log === undefined) return false
  const rest = path.slice(`log/${log.log}/`.length)
  if (/^object\/[0-9a-f]{64}$/.test(rest)) return true
  return /^proof\/(0|[1-9][0-9]*)\.tlog-proof$/.test(rest) || (log.range !== null && /^tile\/[0-9]{1,2}\/[x0-9/]+(\.p\/[0-9]{1,3})?$/.test(rest))
}
