import { readFileSync } from 'node:fs'

interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: string
}

/** The policy of the server's identity, as docs/stores.md shows it. */
export function documentedPolicy(): { readonly Version: string; readonly Statement: readonly Statement[] } {
  const page = readFileSync(new URL('../../../../../docs/stores.md', import.meta.url), 'utf8')
  const [, json = ''] = /```json\n(\{\n {2}"Version"[\s\S]*?)\n```/.exec(page) ?? []
  return JSON.parse(json) as ReturnType<typeof documentedPolicy>
}
