import assert from 'node:assert/strict'
import { test } from 'node:test'
import { subjectToken } from '../../src/event/subject-token.ts'
import type { Entry } from '../../src/event/entry.ts'
import { NO_RECORDS } from '../../src/sequence/subject.ts'
import type { SubjectState } from '../../src/sequence/subject.ts'
import { SubjectLogs } from '../../src/sequence/subject-logs.ts'

const LOGS = ['calls', 't.calls.long', 't.calls.mid']
const entry = (log: string, subject: string): Entry => ({ log, subject }) as Entry

/** A ledger of subjects by log, that counts what it is asked. */
class Known {
  readonly rows = new Map<string, SubjectState>()
  asked = 0

  add(log: string, subject: string): void {
    this.rows.set(subjectToken(log, subject), { ...NO_RECORDS, count: 1 })
  }

  async subjects(tokens: readonly string[]): Promise<(SubjectState | null)[]> {
    this.asked += tokens.length
    return tokens.map((token) => this.rows.get(token) ?? null)
  }
}

function make(ledger: Known): SubjectLogs {
  return new SubjectLogs({ logsWith: (log) => (LOGS.includes(log) ? LOGS : null), isStricter: (asked) => asked === 't.calls.long' }, ledger)
}

test('a trail with one log is asked nothing and decides nothing', async () => {
  const ledger = new Known()
  const homes = make(ledger)
  assert.equal((await homes.sealed([entry('notifications', 's')])).size, 0)
  assert.equal(homes.decide(entry('notifications', 's'), new Map()), null)
  assert.equal(ledger.asked, 0)
})

test('what is sealed decides over the tag, the first tag over later ones, wherever the subject is', async () => {
  for (const standing of [null, ...LOGS]) {
    for (const first of LOGS) {
      for (const second of LOGS) {
        const ledger = new Known()
        if (standing !== null) ledger.add(standing, 's')
        const homes = make(ledger)
        const entries = [entry(first, 's'), entry(second, 's')]
        const sealed = await homes.sealed(entries)
        assert.equal(ledger.asked, LOGS.length, 'each subject is asked for once')
        const decided = entries.map((each) => homes.decide(each, sealed)?.log)
        assert.deepEqual(decided, [standing ?? first, standing ?? first])
      }
    }
  }
})

test('a subject is remembered until the last of its events has left, and the ledger is not asked meanwhile', async () => {
  const ledger = new Known()
  const homes = make(ledger)
  const decide = async (log: string): Promise<{ log: string; key: string }> => {
    const of = entry(log, 's')
    return homes.decide(of, await homes.sealed([of])) ?? assert.fail()
  }
  const { key } = await decide('t.calls.mid')
  const asked = ledger.asked
  assert.equal((await decide('calls')).log, 't.calls.mid')
  assert.equal(ledger.asked, asked)
  homes.forget(key)
  assert.equal((await decide('t.calls.long')).log, 't.calls.mid')
  homes.forget(key)
  homes.forget(key)
  assert.equal(homes.size, 0)
  // Nothing of it was sealed: all were turned away, and the next one is the first.
  assert.equal((await decide('t.calls.long')).log, 't.calls.long')
})

test('the same subject of another trail is another subject', async () => {
  const homes = new SubjectLogs({ logsWith: (log) => (log.startsWith('a') ? ['a', 'a2'] : ['b', 'b2']), isStricter: () => false }, new Known())
  assert.equal(homes.decide(entry('a2', 's'), new Map())?.log, 'a2')
  assert.equal(homes.decide(entry('b', 's'), new Map())?.log, 'b')
})
