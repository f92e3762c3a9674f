import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { SqliteHead } from '../../src/head/sqlite/head.ts'
import { headOf, headSuite } from './head.suite.ts'

function place(): { path: string; open: () => SqliteHead; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'sealtrail-head-'))
  const path = join(directory, 'head.sqlite')
  return { path, open: () => SqliteHead.open(path), remove: () => rmSync(directory, { recursive: true }) }
}

headSuite('sqlite', place)

test('processes racing on one head: every swap that won is in one chain', async () => {
  const here = place()
  const rounds = 60
  const program = `
    import { SqliteHead } from ${JSON.stringify(new URL('../../src/head/sqlite/head.ts', import.meta.url).href)}
    const [path, me] = process.argv.slice(1)
    const store = SqliteHead.open(path)
    let won = 0
    for (let i = 0; i < ${rounds}; ) {
      const head = store.read('calls')
      const next = { size: head.size + 1, root: head.root, segment: me, digest: head.digest }
      if (store.swap('calls', head, next)) { won++; i++ }
    }
    console.log(won)`
  const store = here.open()
  store.swap('calls', null, headOf(0))
  const children = ['a', 'b', 'c'].map((me) =>
    spawn(process.execPath, ['--conditions=@sealtrail/source', '--input-type=module', '-e', program, here.path, me], { stdio: ['ignore', 'pipe', 'inherit'] }),
  )
  const codes = await Promise.all(children.map((child) => once(child, 'close').then(([code]) => code as number)))
  assert.deepEqual(codes, [0, 0, 0])
  assert.equal(store.read('calls')!.size, 3 * rounds)
  store.close()
  here.remove()
})

test('a swap survives the process being killed right after it', async () => {
  const here = place()
  const program = `
    import { SqliteHead } from ${JSON.stringify(new URL('../../src/head/sqlite/head.ts', import.meta.url).href)}
    const store = SqliteHead.open(process.argv[1])
    let head = null
    for (let size = 0; ; size++) {
      const next = { size, root: '', segment: '', digest: '' }
      if (!store.swap('calls', head, next)) throw new Error('lost')
      store.saveCheckpoint('calls', String(size))
      head = next
      process.stdout.write(size + '\\n')
    }`
  const child = spawn(process.execPath, ['--conditions=@sealtrail/source', '--input-type=module', '-e', program, here.path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('latin1')
  child.stdout.on('data', (chunk: string) => {
    text += chunk
    if (text.length > 400) child.kill('SIGKILL')
  })
  await once(child, 'close')
  const last = Number(text.split('\n').at(-2))
  const store = here.open()
  assert.ok(store.read('calls')!.size >= last)
  assert.ok(Number(store.checkpoint('calls')) >= last)
  store.close()
  here.remove()
})

test('every flipped byte and every cut of the file is either refused as damage or changes nothing that is read', () => {
  const here = place()
  const store = here.open()
  const versioned = { ...headOf(12345), version: 'Kq3.vfJ_x9' }
  store.swap('calls', null, versioned)
  store.swap('alarms', null, headOf(7))
  store.close()
  const whole = readFileSync(here.path)
  const sound = (): boolean => {
    let opened: SqliteHead
    try {
      opened = SqliteHead.open(here.path, { readOnly: true })
    } catch (error) {
      const { code, message } = error as { code: string; message: string }
      assert.ok(code === 'DATA_CORRUPT' || code === 'DATA_UNWRITABLE', message)
      if (code === 'DATA_CORRUPT') assert.match(message, /put back a copy/)
      return false
    }
    const heads = opened.logs().map((log) => [log, opened.read(log)])
    opened.close()
    assert.deepEqual(heads, [
      ['alarms', headOf(7)],
      ['calls', versioned],
    ])
    return true
  }
  assert.ok(sound())
  const page = 4096
  let refused = 0
  for (let at = 0; at < whole.length; at++) {
    // Free space inside pages is most of the file: every byte that is not zero, every seventh that is.
    if (whole[at] === 0 && at % 29 !== 0) continue
    const broken = Buffer.from(whole)
    broken[at]! ^= 0x20
    writeFileSync(here.path, broken)
    if (!sound()) refused++
  }
  assert.ok(refused > 500, String(refused))
  for (let cut = 1; cut < whole.length; cut += cut % page === 0 ? 1 : page - (cut % page)) {
    writeFileSync(here.path, whole)
    truncateSync(here.path, cut)
    assert.equal(sound(), false, `cut at ${cut}`)
  }
  here.remove()
})

test('a file of version 1 is read as it is, and brought to this version by who writes', () => {
  const here = place()
  const db = new DatabaseSync(here.path)
  const { size, root, segment, digest } = headOf(9)
  db.exec(`PRAGMA journal_mode = WAL;
    CREATE TABLE checkpoint (log TEXT PRIMARY KEY, note TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE head (log TEXT PRIMARY KEY, size INTEGER NOT NULL, root TEXT NOT NULL, segment TEXT NOT NULL, digest TEXT NOT NULL, seal TEXT NOT NULL) STRICT, WITHOUT ROWID;
    PRAGMA application_id = ${0x5354524c}; PRAGMA user_version = 1`)
  const seal = hash('sha256', `calls\n${size}\n${root}\n${segment}\n${digest}\n`, 'hex')
  db.prepare('INSERT INTO head VALUES (?, ?, ?, ?, ?, ?)').run('calls', size, root, segment, digest, seal)
  db.prepare('INSERT INTO checkpoint VALUES (?, ?)').run('calls', 'note')
  db.close()
  const before = readFileSync(here.path)
  const reader = SqliteHead.open(here.path, { readOnly: true })
  assert.deepEqual([reader.read('calls'), reader.checkpoint('calls'), reader.logs()], [headOf(9), 'note', ['calls']])
  reader.close()
  assert.deepEqual(readFileSync(here.path), before)
  for (let i = 0; i < 2; i++) {
    const store = here.open()
    const known = store.read('calls')!
    assert.equal(known.size, 9 + i)
    assert.equal(store.swap('calls', known, { ...headOf(10 + i), version: 'v' }), true)
    store.close()
  }
  here.remove()
})

test('an emptied file is a store without logs: the one who knows the segments must notice', () => {
  const here = place()
  writeFileSync(here.path, '')
  const store = here.open()
  assert.deepEqual(store.logs(), [])
  store.close()
  here.remove()
})

test('another program’s database is refused', () => {
  const here = place()
  const db = new DatabaseSync(here.path)
  db.exec('CREATE TABLE t (x)')
  db.close()
  assert.throws(() => here.open(), { code: 'DATA_CORRUPT' })
  here.remove()
})

test('a place that cannot be written says so', () => {
  assert.throws(() => SqliteHead.open('/nonexistent/head.sqlite'), { code: 'DATA_UNWRITABLE' })
})
