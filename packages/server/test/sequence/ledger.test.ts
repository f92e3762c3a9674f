import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { cp, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { SealtrailError } from '../../src/errors.ts'
import { FLAG } from '../../src/event/entry.ts'
import { catchUp } from '../../src/sequence/catch-up.ts'
import type { Sealed } from '../../src/sequence/catch-up.ts'
import type { Ledger, LedgerRow } from '../../src/sequence/ledger.ts'
import { openLedger } from '../../src/sequence/level/ledger.ts'
import { Recent } from '../../src/sequence/level/recent.ts'
import { decodeSubject, encodeSubject, subjectKey } from '../../src/sequence/level/rows.ts'
import { NO_RECORDS, place } from '../../src/sequence/subject.ts'
import type { SubjectState } from '../../src/sequence/subject.ts'
import { event, session, subject } from './events.ts'

const root = await mkdtemp(join(tmpdir(), 'ledger-'))
after(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const folder = () => join(root, String(++folders))

const identity = (i: number) => String(i).padStart(32, '\xff')
const row = (i: number): LedgerRow => ({ identity: identity(i), index: i, fingerprint: String(i).padStart(16, '\x80'), flags: 65, timeMs: 2 ** 48 - 1 - i })
const marker = (size: number) => ({ size, root: size.toString(16).padStart(64, '0') })
const batch = (log: string, from: number, to: number, subjects: [string, SubjectState][] = []) => ({
  log,
  rows: Array.from({ length: to - from }, (_, i) => row(from + i)),
  subjects: new Map(subjects),
  marker: marker(to),
})
const full: SubjectState = {
  count: 2 ** 40,
  last: { timeMs: -1.5, rank: 65535, tie: '\xff\x00tie...' },
  statusRank: 4,
  statusSequence: 7,
  sessions: [
    { token: session('a'), phase: 3, opened: true, closed: false, last: null },
    { token: session('b'), phase: 0, opened: false, closed: true, last: { timeMs: 1e12, rank: 0, tie: 'x'.repeat(8) } },
  ],
}

async function close(ledger: Ledger): Promise<void> {
  await ledger.close()
}

test('knows what was written, in the order asked, and after reopening', async () => {
  const dir = folder()
  const opened = await openLedger(dir)
  assert.equal(opened.rebuilt, null)
  const { ledger } = opened
  assert.deepEqual(await ledger.known([]), [])
  assert.deepEqual(await ledger.known([identity(1)]), [null])
  await ledger.write(batch('interactions', 0, 10, [[subject('a'), full]]))
  await ledger.write(batch('notifications', 10, 12, [[subject('b'), NO_RECORDS]]))
  const check = async (open: Ledger) => {
    const expected = (i: number, log: string) => ({ log, index: i, fingerprint: row(i).fingerprint, flags: 65, timeMs: row(i).timeMs })
    assert.deepEqual(await open.known([identity(11), identity(99), identity(3)]), [expected(11, 'notifications'), null, expected(3, 'interactions')])
    assert.deepEqual(await open.subjects([subject('b'), subject('c'), subject('a')]), [NO_RECORDS, null, full])
    assert.deepEqual(open.marker('interactions'), marker(10))
    assert.deepEqual(open.marker('notifications'), marker(12))
    assert.equal(open.marker('system'), null)
    assert.deepEqual(open.logs().sort(), ['interactions', 'notifications'])
  }
  await check(ledger)
  await close(ledger)
  const again = await openLedger(dir)
  assert.equal(again.rebuilt, null)
  await check(again.ledger)
  await close(again.ledger)
})

test('a fingerprint that is not known stays so', async () => {
  const { ledger } = await openLedger(folder())
  await ledger.write({ ...batch('interactions', 0, 0), rows: [{ ...row(5), fingerprint: '' }] })
  assert.equal((await ledger.known([identity(5)]))[0]?.fingerprint, '')
  await close(ledger)
})

test('what is handed to write is copied before it returns', async () => {
  const { ledger } = await openLedger(folder())
  const subjects = new Map([[subject('a'), { ...NO_RECORDS, count: 1 }]])
  const writing = ledger.write({ log: 'x', rows: [], subjects, marker: marker(1) })
  subjects.set(subject('a'), { ...NO_RECORDS, count: 2 })
  await writing
  assert.equal((await ledger.subjects([subject('a')]))[0]?.count, 1)
  await close(ledger)
})

test('every row is checked: one flipped bit anywhere in a value is found', () => {
  const key = subjectKey(subject('a'))
  const value = encodeSubject(key, full)
  assert.deepEqual(decodeSubject(key, value), full)
  for (let bit = 0; bit < value.length * 8; bit++) {
    const damaged = Buffer.from(value)
    damaged[bit >> 3] = (damaged[bit >> 3] as number) ^ (1 << (bit & 7))
    assert.throws(() => decodeSubject(key, damaged), { code: 'DATA_CORRUPT' })
  }
  for (let length = 0; length < value.length; length++) assert.throws(() => decodeSubject(key, value.subarray(0, length)), { code: 'DATA_CORRUPT' })
  assert.throws(() => decodeSubject(subjectKey(subject('b')), value), { code: 'DATA_CORRUPT' }, 'the value of another row')
})

/** The ledger of `size` records as files, closed. */
async function written(size: number): Promise<string> {
  const dir = folder()
  const { ledger } = await openLedger(dir)
  await ledger.write(batch('interactions', 0, size, [[subject('a'), full]]))
  await close(ledger)
  return dir
}

test('a damaged or missing file: thrown away and said; damaged while open: found when read and thrown away at the next start', async () => {
  const good = await written(300)
  let rebuiltAtOpen = 0
  let foundLater = 0
  for (const name of readdirSync(good).filter((each) => !/^LOCK$|^LOG/.test(each))) {
    const size = readFileSync(join(good, name)).length
    const damages: ((bytes: Buffer) => Buffer | null)[] = [() => null, (bytes) => bytes.subarray(0, bytes.length >> 1)]
    for (let at = 0; at < size; at += Math.max(1, Math.floor(size / 40))) damages.push((bytes) => ((bytes[at] = (bytes[at] as number) ^ 0xff), bytes))
    for (const damage of damages) {
      const dir = folder()
      await cp(good, dir, { recursive: true })
      const bytes = damage(readFileSync(join(dir, name)))
      if (bytes === null) rmSync(join(dir, name))
      else writeFileSync(join(dir, name), bytes)
      const { ledger, rebuilt } = await openLedger(dir)
      if (rebuilt !== null) {
        rebuiltAtOpen++
        assert.equal(ledger.marker('interactions'), null)
      } else {
        // Only what is no data: the rows are all there.
        assert.equal((await ledger.known(Array.from({ length: 300 }, (_, i) => identity(i)))).filter((each) => each === null).length, 0, name)
      }
      await close(ledger)
      if (bytes?.length !== size || !name.endsWith('.ldb')) continue
      const open = folder()
      await cp(good, open, { recursive: true })
      const later = await openLedger(open)
      // In place: LevelDB maps its tables, and a shorter file would end the process.
      writeFileSync(join(open, name), bytes, { flag: 'r+' })
      let found = false
      try {
        const known = await later.ledger.known(Array.from({ length: 300 }, (_, i) => identity(i)))
        // A key can be lost with its block; a wrong value is never given out.
        known.forEach((each, i) => each !== null && assert.equal(each.index, i))
      } catch (error) {
        assert.ok(error instanceof SealtrailError && error.code === 'DATA_CORRUPT', String(error))
        found = existsSync(join(open, 'DAMAGED'))
        assert.ok(found)
      }
      await close(later.ledger).catch(() => {})
      if (!found) continue
      foundLater++
      const next = await openLedger(open)
      assert.match(next.rebuilt ?? '', /damaged/)
      assert.equal(next.ledger.marker('interactions'), null)
      await close(next.ledger)
    }
  }
  assert.ok(rebuiltAtOpen > 5 && foundLater > 5, `${rebuiltAtOpen} at opening, ${foundLater} when read`)
})

test('a ledger that another process holds is in use, not damaged', async () => {
  const dir = folder()
  const { ledger } = await openLedger(dir)
  await ledger.write(batch('interactions', 0, 1))
  await assert.rejects(openLedger(dir), { code: 'DATA_IN_USE' })
  assert.notDeepEqual(await ledger.known([identity(0)]), [null])
  await close(ledger)
})

test('asked to begin afresh, it forgets', async () => {
  const dir = await written(3)
  const { ledger, rebuilt } = await openLedger(dir, { fresh: 'it does not agree with the segments' })
  assert.match(rebuilt ?? '', /segments/)
  assert.deepEqual(await ledger.known([identity(0)]), [null])
  await close(ledger)
})

test('killed without closing, replay begins no later than what is on disk', async () => {
  const dir = folder()
  const child = `
    const { openLedger } = await import(${JSON.stringify(new URL('../../src/sequence/level/ledger.ts', import.meta.url).href)})
    const { readdirSync } = await import('node:fs')
    const dir = ${JSON.stringify(dir)}
    const { ledger } = await openLedger(dir, { flushRows: 500 })
    // The second flush begins when the first has written its marker.
    for (let from = 0; readdirSync(dir).filter((name) => name.endsWith('.ldb')).length < 2; from += 250) {
      const rows = Array.from({ length: 250 }, (_, i) => ({ identity: String(from + i).padStart(32, '\\xff'), index: from + i, fingerprint: '', flags: 0, timeMs: 0 }))
      await ledger.write({ log: 'interactions', rows, subjects: new Map(), marker: { size: from + 250, root: (from + 250).toString(16).padStart(64, '0') } })
    }
    process.kill(process.pid, 'SIGKILL')`
  const run = spawnSync(process.execPath, ['--conditions=@sealtrail/source', '--input-type=module', '-e', child], { encoding: 'utf8' })
  assert.equal(run.signal, 'SIGKILL', run.stderr)
  const { ledger: killed, rebuilt } = await openLedger(dir)
  assert.equal(rebuilt, null)
  const size = killed.marker('interactions')?.size ?? 0
  assert.ok(size >= 500, `${size}`)
  assert.deepEqual(killed.marker('interactions'), marker(size))
  // Everything the marker says is there; what is there beyond it does no harm.
  assert.ok((await killed.known(Array.from({ length: size }, (_, i) => identity(i)))).every((each) => each !== null))
  await close(killed)
})

/** A made-up log: records of few subjects, numbered as they would be when sealed. */
function madeLog(length: number, seed: number): { sealed: Sealed[]; states: Map<string, SubjectState> } {
  const states = new Map<string, SubjectState>()
  const sealed: Sealed[] = []
  for (let i = 0; i < length; i++) {
    const random = (seed * 7919 + i * 104729) % 1000
    const token = subject(`${random % 5}`)
    const placed = event({
      subjectToken: token,
      timeMs: random,
      phase: random % 3,
      session: session(`${random % 2}`),
      flags: random % 4 === 0 ? 0 : FLAG.held,
      statusRank: random % 3,
    })
    const { state } = place(states.get(token) ?? NO_RECORDS, placed)
    states.set(token, state)
    sealed.push({ event: placed, row: row(i), sequence: state.count })
  }
  return { sealed, states }
}

test('replaying gives the states of sealing, from wherever it begins and however often (property)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.nat(1000), fc.array(fc.nat(), { maxLength: 3 }), async (length, seed, starts) => {
      const { sealed, states } = madeLog(length, seed)
      const dir = folder()
      const { ledger } = await openLedger(dir)
      for (const start of [0, ...starts.map((each) => each % length)]) {
        const middle = Math.floor((start + length) / 2)
        await catchUp(ledger, 'interactions', sealed.slice(start, middle), marker(middle))
        await catchUp(ledger, 'interactions', sealed.slice(middle), marker(length))
      }
      const tokens = [...states.keys()]
      assert.deepEqual(
        await ledger.subjects(tokens),
        tokens.map((token) => states.get(token)),
      )
      assert.deepEqual(ledger.marker('interactions'), marker(length))
      await close(ledger)
      rmSync(dir, { recursive: true })
    }),
    { numRuns: Number(process.env['SLOW'] ? 300 : 25) },
  )
})

test('a replay that skips a record of a subject is refused', async () => {
  const { ledger } = await openLedger(folder())
  const { sealed } = madeLog(20, 1)
  const skipped = sealed.filter(({ sequence }) => sequence !== 2)
  await assert.rejects(catchUp(ledger, 'interactions', skipped, marker(20)), { code: 'DATA_CORRUPT', message: /subjectsequence 3 follows 1/ })
  assert.equal(ledger.marker('interactions'), null)
  await close(ledger)
})

test('recent values are bounded, and what is used stays', () => {
  const recent = new Recent<number>(100)
  recent.set('used', 1)
  for (let i = 0; i < 1000; i++) {
    recent.set(`${i}`, i)
    assert.equal(recent.get('used'), 1)
  }
  assert.equal(recent.get('0'), undefined)
  assert.equal(recent.get('999'), 999)
})

test('what a record said is forgotten on disk as well, and where it stands is not', async () => {
  const dir = folder()
  const { ledger } = await openLedger(dir, { flushRows: 40 })
  // Some of it in tables, some in memory only.
  for (let at = 0; at < 100; at += 20) await ledger.write(batch('notifications', at, at + 20))
  const gone = [3, 50, 97]
  await ledger.forgetContent([...gone.map(identity), identity(1000)])
  await ledger.forgetContent(gone.map(identity))
  const known = await ledger.known(Array.from({ length: 100 }, (_, i) => identity(i)))
  known.forEach((each, i) =>
    assert.deepEqual(each, { log: 'notifications', index: i, fingerprint: gone.includes(i) ? '' : row(i).fingerprint, flags: 65, timeMs: row(i).timeMs }),
  )
  assert.deepEqual(await ledger.known([identity(1000)]), [null])
  const bytes = Buffer.concat(readdirSync(dir).map((name) => readFileSync(join(dir, name))))
  assert.ok(bytes.includes(Buffer.from(row(4).fingerprint, 'latin1')))
  for (const i of gone) assert.equal(bytes.indexOf(Buffer.from(row(i).fingerprint, 'latin1')), -1, `${i}`)
  await close(ledger)
  const again = await openLedger(dir)
  assert.equal(again.rebuilt, null)
  assert.equal((await again.ledger.known([identity(50)]))[0]?.fingerprint, '')
  await close(again.ledger)
})
