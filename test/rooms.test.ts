import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { root, sources } from './tree.ts'

/** The steps of docs/flow.md: a step never imports another step; they meet in flow.ts. */
const STEPS = ['source', 'filter', 'map', 'protect', 'journal', 'sequence', 'seal', 'index', 'forward']
const STANDS_ON = ['event', 'pack', 'store', 'head', 'vault', 'keys', 'config', 'observe', 'http']
/** Made of sealed data, beside the flow: nothing that a record passes through knows them. */
const DUTIES = ['verify', 'publish', 'witness', 'export', 'recover', 'assure', 'retain', 'privacy']
/** The flow itself and what holds it together, beside the rooms. */
const WHOLE = ['flow.ts', 'flow-steps.ts', 'log-writer.ts', 'ledger-writer.ts', 'replay.ts']
/** What HTTP may know of a duty: how an export or a hold is asked for, and what is told of it. */
const ASKED = [
  'export/export.ts',
  'export/request.ts',
  'retain/hold.ts',
  'retain/hold-request.ts',
  'privacy/erasure.ts',
  'privacy/erasure-request.ts',
  'privacy/person.ts',
  'privacy/person-request.ts',
  'privacy/grant.ts',
  'privacy/grant-request.ts',
]
/** Folders named after an outside system, by the room whose port they fill. */
const ADAPTERS = [
  'store/files',
  'store/replica',
  'store/azure',
  'store/gcs',
  'store/s3',
  'head/sqlite',
  'keys/files',
  'keys/pkcs11',
  'keys/aws-kms',
  'journal/files',
  'vault/level',
  'index/level',
  'sequence/level',
]
/** Who may name an adapter: those that put the parts together. */
const JOINERS = ['cli', 'config', 'threads']
const SERVER = 'packages/server/src'
/** Breaches that stand, to be mended: this list only gets shorter (a mended one must leave it). */
const STANDING: readonly string[] = []

const imports = (path: string): string[] => {
  const text = readFileSync(`${root}/${path}`, 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, name]) => {
    const target = name as string
    return target.startsWith('.') ? posix.normalize(posix.join(posix.dirname(path), target)) : target
  })
}
const roomOf = (path: string): string => (path.startsWith(`${SERVER}/`) ? (path.slice(SERVER.length + 1).split('/')[0] as string) : '')
const violations = (files: readonly string[], wrong: (path: string, target: string) => boolean): string[] =>
  files.flatMap((path) =>
    imports(path)
      .filter((target) => wrong(path, target))
      .map((target) => `${path} -> ${target}`),
  )
const standing = (wrong: string): boolean => STANDING.includes(wrong.replaceAll(`${SERVER}/`, ''))
const breaches = new Set<string>()
/** Those that are not known. */
const fresh = (wrong: readonly string[]): string[] => {
  for (const each of wrong) breaches.add(each.replaceAll(`${SERVER}/`, ''))
  return wrong.filter((each) => !standing(each))
}

test('a step never imports another step', () => {
  const wrong = violations(sources(SERVER), (path, target) => {
    const from = roomOf(path)
    const to = roomOf(target)
    return STEPS.includes(from) && STEPS.includes(to) && from !== to
  })
  assert.deepEqual(fresh(wrong), [])
})

test('what steps stand on knows no step, and no step knows the command line or the threads', () => {
  const wrong = violations(sources(SERVER), (path, target) => {
    const from = roomOf(path)
    const to = roomOf(target)
    if (STEPS.includes(from)) return to === 'cli' || to === 'threads' || to === 'flow.ts'
    if (from === 'event' || from === 'pack' || from === 'store' || from === 'head' || from === 'vault' || from === 'keys' || from === 'observe')
      return STEPS.includes(to) || JOINERS.includes(to)
    return false
  })
  assert.deepEqual(fresh(wrong), [])
})

test('no step, and nothing a step stands on, knows a duty', () => {
  const unaware = new Set([...STEPS, ...STANDS_ON, ...WHOLE].filter((room) => !JOINERS.includes(room)))
  const wrong = violations(sources(SERVER), (path, target) => {
    const from = roomOf(path)
    if (!unaware.has(from) || !DUTIES.includes(roomOf(target))) return false
    return !(from === 'http' && ASKED.some((each) => target === `${SERVER}/${each}`))
  })
  assert.deepEqual(fresh(wrong), [])
})

test('only cli, config and threads name adapters', () => {
  const wrong = violations(sources(SERVER), (path, target) => {
    const adapter = ADAPTERS.find((each) => target.startsWith(`${SERVER}/${each}/`))
    return adapter !== undefined && !JOINERS.includes(roomOf(path)) && !path.startsWith(`${SERVER}/${adapter}/`)
  })
  assert.deepEqual(fresh(wrong), [])
  assert.deepEqual(
    STANDING.filter((each) => !breaches.has(each)),
    [],
    'mended: strike them off the list',
  )
})

test('filter, map and protect are pure: nothing of the operating system, no clock, no randomness', () => {
  const wrong = violations(sources(SERVER), (path, target) => ['filter', 'map', 'protect'].includes(roomOf(path)) && /^node:(?!buffer$|util$)/.test(target))
  for (const path of sources(SERVER)) {
    if (
      ['filter', 'map', 'protect'].includes(roomOf(path)) &&
      /\bDate\.now\(|Math\.random\(|process\.|performance\.now\(/.test(readFileSync(`${root}/${path}`, 'utf8'))
    )
      wrong.push(path)
  }
  assert.deepEqual(wrong, [])
})

test('tlog and evidence know nothing of the server, and tlog nothing of evidence', () => {
  const core = [...sources('packages/tlog/src'), ...sources('packages/evidence/src')]
  assert.deepEqual(
    violations(
      core,
      (path, target) =>
        target.startsWith('packages/server') || target === 'sealtrail' || (path.startsWith('packages/tlog/') && target.startsWith('@sealtrail/evidence')),
    ),
    [],
  )
  // The platform is named in the files that stand for it and in the verifier's command line, which nothing else imports.
  const line = 'packages/evidence/src/cli/'
  assert.deepEqual(
    violations(core, (path, target) => !path.startsWith(line) && (target.startsWith(line) || (target.startsWith('node:') && !path.endsWith('.node.ts')))),
    [],
  )
})

test('no drawer without a name, no file over 400 lines', () => {
  const all = ['packages/tlog/src', 'packages/evidence/src', SERVER].flatMap(sources)
  assert.deepEqual(
    all.filter((path) => /(^|\/)(utils?|helpers?|common|types|misc|shared)(\.ts|\/)/.test(path)),
    [],
  )
  const beside = ['packages/tlog/test', 'packages/evidence/test', 'packages/evidence/web', 'packages/server/test', 'packages/server/bench', 'scripts', 'test']
  assert.deepEqual(
    [...all, ...beside.flatMap(sources)].filter((path) => readFileSync(`${root}/${path}`, 'utf8').split('\n').length > 401),
    [],
  )
})

test('the rooms are those of CONTRIBUTING.md', () => {
  const known = new Set([...STEPS, ...STANDS_ON, ...JOINERS, ...DUTIES, ...WHOLE, 'durable-file.ts', 'errors.ts', 'main.ts', 'buffer.d.ts'])
  assert.deepEqual(
    [...new Set(sources(SERVER).map(roomOf))].filter((room) => !known.has(room)),
    [],
  )
})
