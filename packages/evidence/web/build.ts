// `npm run build:verify`: verify.html, one file that holds everything it needs. The same sources give the same bytes.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { build } from 'esbuild'

const HERE = import.meta.dirname
const ROOT = resolve(HERE, '../../..')

/** The page's text. */
export async function buildPage(): Promise<string> {
  const script = await bundle('page.ts')
  const style = await bundle('page.css')
  const { version } = JSON.parse(readFileSync(join(HERE, '../package.json'), 'utf8')) as { version: string }
  const parts: Readonly<Record<string, string>> = {
    SCRIPT_HASH: hashOf(script.text),
    STYLE_HASH: hashOf(style.text),
    STYLE: `<style>${style.text}</style>`,
    VERSION: version,
    LICENCES: escape(licences(script.inputs)),
    SCRIPT: `<script>${script.text}</script>`,
  }
  const page = readFileSync(join(HERE, 'page.html'), 'utf8')
  return page.replace(/<!-- %([A-Z_]+)% -->|%([A-Z_]+)%/g, (all, element?: string, text?: string) => parts[element ?? text ?? ''] ?? all)
}

async function bundle(entry: string): Promise<{ text: string; inputs: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(HERE, entry)],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    conditions: ['@sealtrail/source'],
    mainFields: ['module', 'main'],
    target: ['es2022', 'chrome111', 'firefox113', 'safari16.4'],
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  })
  return { text: (outputFiles[0]?.text ?? '').trim(), inputs: Object.keys(metafile.inputs) }
}

/** Licence texts of the packages that went in, by name: their licences ask for that. */
function licences(inputs: readonly string[]): string {
  const folders = new Set(inputs.map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]).filter((folder) => folder !== undefined))
  const texts = [...folders].sort().map((folder) => {
    const path = join(ROOT, folder)
    const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as { name: string; version: string; license: string }
    const file = readdirSync(path).find((each) => /^licen[cs]e/i.test(each))
    return `${name} ${version} (${license})\n\n${file === undefined ? '' : readFileSync(join(path, file), 'utf8').trim()}`
  })
  return ['Sealtrail (Apache-2.0), www.apache.org/licenses/LICENSE-2.0', ...texts].join(`\n\n${'–'.repeat(40)}\n\n`)
}

const hashOf = (text: string): string => createHash('sha256').update(text, 'utf8').digest('base64')
const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

if (process.argv[1] !== undefined && resolve(process.argv[1]) === import.meta.filename) {
  const target = join(HERE, '../dist/verify.html')
  const page = await buildPage()
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, page)
  console.log(`${target}\n${page.length.toLocaleString('en')} characters, SHA-256 ${createHash('sha256').update(page).digest('hex')}`)
}
