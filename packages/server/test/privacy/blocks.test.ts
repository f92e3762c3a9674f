// Why values cannot be erased now.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RecordFields } from '@sealtrail/evidence'
import { parseConfig } from '../../src/config/load.ts'
import { contentDuties } from '../../src/config/obligations.ts'
import type { JsonObject } from '../../src/event/json.ts'
import { blocksOf, firstEnd, sameBlocks } from '../../src/privacy/blocks.ts'
import { ClassFlags } from '../../src/privacy/class-flags.ts'
import type { AffectedRecord } from '../../src/privacy/eraser.ts'
import type { ErasureBlock } from '../../src/privacy/erasure.ts'
import { Holds } from '../../src/retain/holds.ts'

const DAY = 86_400_000
const NOW = Date.UTC(2026, 5, 1)
const at = (ms: number): string => new Date(ms).toISOString()
const YAML = `trails:
  notifications:
    retain:
      period: P2Y
      content: { basis: SEC 17a-4(b)(4), period: 10d }
      classes:
        phi: { period: P6Y }
        mifid: { period: P5Y, content: { basis: MiFID II Art. 16(7), period: 100d } }`
const duties = contentDuties(parseConfig(YAML, 'y', '/', { cwd: '/', env: {} }).config)

const record = (log: string, index: number, subject: string, agoDays: number): AffectedRecord => ({
  log,
  index,
  auditid: '0'.repeat(26),
  hash: `sha256:${'0'.repeat(64)}`,
  type: 't',
  time: null,
  status: null,
  fields: [],
  subject,
  recordedtime: at(NOW - agoDays * DAY),
  withOthers: false,
})

function holdsOf(...list: Array<JsonObject & { hold: string }>): Holds {
  const holds = new Holds()
  for (const data of list)
    holds.take({ type: `sealtrail.system.${data['released'] === true ? 'hold-released' : 'hold'}`, time: at(NOW), data } as unknown as RecordFields)
  return holds
}

function blocks(records: AffectedRecord[], holds = new Holds(), classFlags = new ClassFlags(), nowMs = NOW): ErasureBlock[] {
  return blocksOf(records, { holds, classFlags, duties, now: () => nowMs })
}

describe('what stands in the way of an erasure', () => {
  const ours = [record('interactions', 3, 'a', 1), record('interactions', 4, 'b', 1), record('interactions', 9, 'a', 1)]

  it('is a hold in scope content on a subject or a range, each by its id, reason and how many records it is on', () => {
    const found = blocks(
      ours,
      holdsOf(
        { hold: 'h1', scope: 'content', reason: 'matter 1', subject: 'a' },
        { hold: 'h2', scope: 'content', reason: 'matter 2', range: { log: 'interactions', from: 4, to: 5 } },
        { hold: 'h3', scope: 'content', reason: 'matter 3', range: { log: 'interactions', from: 9, to: null } },
        { hold: 'h4', scope: 'content', reason: 'elsewhere', range: { log: 'notifications', from: 0, to: null } },
        { hold: 'h5', scope: 'content', reason: 'beside', range: { log: 'interactions', from: 5, to: 9 } },
      ),
    )
    assert.deepEqual(found.map((block) => block.kind === 'hold' && [block.hold, block.reason, block.records]).sort(), [
      ['h1', 'matter 1', 2],
      ['h2', 'matter 2', 1],
      ['h3', 'matter 3', 1],
    ])
  })

  it('is no hold in scope record, and none that was released; of a scope nobody knows the stronger is meant', () => {
    const one = { hold: 'h', reason: 'm', subject: 'a' }
    assert.deepEqual(blocks(ours, holdsOf({ ...one, scope: 'record' })), [])
    assert.deepEqual(blocks(ours, holdsOf({ ...one, scope: 'content' }, { ...one, released: true })), [])
    assert.equal(blocks(ours, holdsOf({ ...one, scope: 'everything' })).length, 1)
  })

  it('is everything, where the holds cannot be read', () => {
    const holds = new Holds()
    holds.lose('the system log is gone')
    const [block] = blocks([], holds)
    assert.equal(block?.kind, 'hold')
    assert.match(block?.kind === 'hold' ? block.reason : '', /cannot be read \(the system log is gone\)/)
  })

  it('is an obligation to keep the content, until the last of its records is old enough, to the millisecond', () => {
    const two = [record('notifications', 0, 'm', 9), record('notifications', 1, 'm', 4), record('interactions', 2, 'm', 4)]
    const until = at(NOW + 6 * DAY)
    assert.deepEqual(blocks(two), [{ kind: 'obligation', log: 'notifications', basis: 'SEC 17a-4(b)(4)', records: 2, until }])
    assert.equal(firstEnd(blocks(two)), NOW + 6 * DAY)
    const later = (ms: number): ErasureBlock[] => blocks(two, new Holds(), new ClassFlags(), NOW + 6 * DAY + ms)
    assert.equal(later(-1).length, 1)
    assert.deepEqual(later(0), [])
  })

  it('is none of a class that names no clause, though its trail does; a class has its own', () => {
    assert.deepEqual(blocks([record('default.notifications.phi', 0, 'm', 1)]), [])
    const [block] = blocks([record('default.notifications.mifid', 0, 'm', 1)])
    assert.deepEqual(block, { kind: 'obligation', log: 'default.notifications.mifid', basis: 'MiFID II Art. 16(7)', records: 1, until: at(NOW + 99 * DAY) })
  })

  it('is the obligation of a class that a later event asked for, where the subject stayed in the log it was in', () => {
    const flags = new ClassFlags()
    const flag = { log: 'notifications', subject: 'm', reason: 'class', class: 'mifid', until: at(NOW) }
    flags.take({ data: { ...flag, reason: 'a complaint' } } as unknown as RecordFields)
    const old = [record('notifications', 0, 'm', 50), record('notifications', 1, 'other', 50)]
    assert.deepEqual(blocks(old, new Holds(), flags), [])
    flags.take({ data: flag } as unknown as RecordFields)
    const again = new ClassFlags()
    again.load(JSON.parse(JSON.stringify(flags.save())))
    assert.deepEqual(blocks(old, new Holds(), again), [
      { kind: 'obligation', log: 'notifications', basis: 'MiFID II Art. 16(7)', records: 1, until: at(NOW + 50 * DAY) },
    ])
  })

  it('is the same while the same holds and clauses stand, on however many records', () => {
    const hold = (id: string, records: number): ErasureBlock => ({ kind: 'hold', hold: id, reason: 'm', records })
    assert.equal(sameBlocks([hold('a', 1), hold('b', 1)], [hold('b', 7), hold('a', 2)]), true)
    assert.equal(sameBlocks([hold('a', 1)], [hold('a', 1), hold('b', 1)]), false)
    assert.equal(firstEnd([hold('a', 1)]), null)
  })
})
