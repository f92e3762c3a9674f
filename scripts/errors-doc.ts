// Writes docs/errors.md from the table of error codes: `node --conditions=@sealtrail/source scripts/errors-doc.ts`.
import { writeFileSync } from 'node:fs'
import { ERRORS } from '../packages/server/src/errors.ts'
import type { ErrorCode } from '../packages/server/src/errors.ts'
import { ALL_PROBLEMS } from '../packages/server/src/verify/verdict.ts'

const INTRO = `# Errors

Written from the source by \`scripts/errors-doc.ts\`; a test holds the two together.

## Codes

Every HTTP error is a problem document (RFC 9457) with \`type\` \`urn:sealtrail:error:CODE\` and the code as \`code\`; commands print the code on stderr. Codes
answered with 201 are reasons for quarantine: the event is sealed, with everything it said committed. No text ever repeats a value that was sent.

| code | HTTP | what it means | what to do |
|---|---|---|---|
`

const FINDINGS = `
## What verify finds

\`sealtrail verify\` names each problem by one of these codes, with the log, the record's index and the object concerned. What begins with \`DERIVED_\` concerns
files that are made again from the evidence: the evidence stands. [format.md](format.md) describes the objects.

| code | what it means |
|---|---|
`

/** The whole document. */
export function errorsDocument(): string {
  const codes = Object.keys(ERRORS).sort() as ErrorCode[]
  const rows = codes.map((code) => `| \`${code}\` | ${ERRORS[code].status} | ${cell(ERRORS[code].title)} | ${cell(ERRORS[code].todo)} |`)
  const found = Object.entries(ALL_PROBLEMS).map(([code, meaning]) => `| \`${code}\` | ${cell(meaning)} |`)
  return `${INTRO}${rows.join('\n')}\n${FINDINGS}${found.join('\n')}\n`
}

const cell = (text: string): string => text.replaceAll('|', '\\|')

if (import.meta.main) writeFileSync(new URL('../docs/errors.md', import.meta.url), errorsDocument())
