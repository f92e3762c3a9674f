// Writes the table of docs/configuration.md from the schema: `node --conditions=@sealtrail/source scripts/config-doc.ts`.
import { readFileSync, writeFileSync } from 'node:fs'
import { KEYS } from '../packages/server/src/config/schema.ts'
import type { Key } from '../packages/server/src/config/key.ts'

const BEGIN = '<!-- keys: written by scripts/config-doc.ts -->\n'
const END = '<!-- end of keys -->'

function form({ type }: Key): string {
  switch (type.is) {
    case 'text':
      return 'text'
    case 'integer':
      return `${type.from} to ${type.to}`
    case 'choice':
      return type.of.map((each) => `\`${each}\``).join(', ')
    case 'boolean':
      return '`true`, `false`'
    case 'texts':
      return 'text or list'
    case 'later':
      return 'not available in this version'
    default:
      return type.is
  }
}

/** The document with its table as the schema has it now. */
export function withTable(document: string): string {
  const rows = KEYS.map((key) => `| \`${key.path.replace('*', '<name>')}\` | ${form(key)} | ${key.default === '' ? '' : `\`${key.default}\``} | ${key.what} |`)
  const table = ['| key | value | default | what it does |', '|---|---|---|---|', ...rows].join('\n')
  const begin = document.indexOf(BEGIN) + BEGIN.length
  const end = document.indexOf(END)
  if (begin < BEGIN.length || end < 0) throw new Error('docs/configuration.md has lost the marks of its table')
  return `${document.slice(0, begin)}\n${table}\n\n${document.slice(end)}`
}

if (import.meta.main) {
  const path = new URL('../docs/configuration.md', import.meta.url)
  writeFileSync(path, withTable(readFileSync(path, 'utf8')))
}
