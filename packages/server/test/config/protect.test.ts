import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openPacks } from '../../src/config/open-packs.ts'
import { parseConfig } from '../../src/config/load.ts'
import type { Loaded } from '../../src/config/load.ts'
import { SealtrailError } from '../../src/errors.ts'
import { ruleAt } from '../../src/pack/fields.ts'
import type { FieldRule } from '../../src/pack/pack.ts'

const folder = mkdtempSync(join(tmpdir(), 'sealtrail-protect-'))
after(() => rmSync(folder, { recursive: true }))
writeFileSync(
  join(folder, 'pack.yaml'),
  `name: desk
version: 1
events:
  - topic: t
    source: urn:example
    type: t
    id: "{{event.id}}"
    subject: "{{event.case}}"
    people: { customer: [{ kind: phone, value: event.phone }] }
    map: { "*": "{{event}}" , id: "{{event.id}}", case: "{{event.case}}" }
statuses: [SENT]
fields:
  id, case, agent, delivery_status: plain
  phone: { personal: phone, whose: customer, token: true }
  card: { personal: card-number, whose: customer }
  secret: refuse
  box.pin: refuse
  box.note: plain
  open: { map: [segment], whose: customer }
  gone: drop
  "rest.*": { personal: text }
  "strict.*": refuse
`,
)

const load = (protect: string): Loaded =>
  parseConfig(`trails:\n  desk:\n    pack: .\n    protect:\n${protect}`, 'sealtrail.yaml', folder, { cwd: folder, env: {} })
const ruleOf = (path: string, method: string): FieldRule | null => {
  const { config } = load(`      ${path}: ${method}\n`)
  return ruleAt(openPacks(config).of('desk')[0]!.fields, path)
}
const refused = (path: string, method: string): string => {
  try {
    load(`      ${path}: ${method}\n`)
  } catch (error) {
    assert.ok(error instanceof SealtrailError, String(error))
    assert.equal(error.code, 'CONFIG_INVALID')
    return error.message
  }
  return assert.fail(`taken: ${path}: ${method}`)
}
const personal = { class: 'personal', kind: 'value', whose: null, token: false, mask: null, verifyOnly: false }

test('a trail says of each field what becomes of it; kind and owner stay those of the pack where it does not say them', () => {
  assert.deepEqual(ruleOf('agent', 'commit'), personal)
  assert.deepEqual(ruleOf('agent', 'token'), { ...personal, token: true })
  assert.deepEqual(ruleOf('nobody.knows', 'plain'), { class: 'plain' })
  assert.deepEqual(ruleOf('nobody.knows', '{ mask: { first: 2, last: 1 } }'), { ...personal, mask: { first: 2, last: 1 } })
  assert.deepEqual(ruleOf('phone', 'mask'), { ...personal, kind: 'phone', whose: 'customer', mask: 'phone' })
  assert.deepEqual(ruleOf('phone', '{ token: true, mask: true }'), { ...personal, kind: 'phone', whose: 'customer', token: true, mask: 'phone' })
  assert.deepEqual(ruleOf('card', 'verify-only'), { ...personal, kind: 'card-number', whose: 'customer', verifyOnly: true })
  assert.deepEqual(ruleOf('card', '{ mask: card-8 }'), { ...personal, kind: 'card-number', whose: 'customer', mask: 'card-8' })
  assert.deepEqual(ruleOf('phone', 'drop'), { class: 'drop' })
  assert.deepEqual(ruleOf('phone', 'refuse'), { class: 'refuse' })
  assert.deepEqual(ruleOf('gone', 'commit'), personal)
  assert.deepEqual(ruleOf('phone', '{ plain: test numbers of the lab only }'), { class: 'plain' })
  assert.deepEqual(ruleOf('open', '{ map: [] }'), { class: 'map', allow: new Set(), whose: null })
  assert.deepEqual(ruleOf('open', '{ map: [tier], whose: customer, plain: a tier names nobody }'), {
    class: 'map',
    allow: new Set(['tier']),
    whose: 'customer',
  })
  // A member that a trail names leaves those beside it as the pack has them.
  const { config } = load('      strict.x: refuse\n      fresh[].name: token\n')
  const { fields } = openPacks(config).of('desk')[0]!
  assert.equal(ruleAt(fields, 'fresh[].name')?.class, 'personal')
  assert.equal(ruleAt(fields, 'strict.y')?.class, 'refuse')
})

test('no trail weakens a refusal, whichever way it is written', () => {
  for (const method of ['plain', 'commit', 'token', 'drop', 'verify-only', '{ plain: because }', '{ map: [] }'])
    for (const path of ['secret', 'box.pin', '"strict.*"', 'strict.any'])
      assert.match(refused(path, method), /^sealtrail.yaml:5:7: trails.desk.protect\..*the pack refuses it/, `${path}: ${method}`)
  for (const method of ['commit', 'token', 'drop', '{ map: [] }']) assert.match(refused('box', method), /the pack refuses box.pin, which lies within it/)
  assert.match(refused('strict.any.deeper', 'plain'), /lies within strict.any, which the pack refuses/)
})

test('what a pack calls personal stays out of the clear but for a reason, and mistakes are named where they stand', () => {
  assert.match(refused('phone', 'plain'), /^sealtrail.yaml:5:7: trails.desk.protect.phone: the pack calls personal \(phone\) it: .*plain: BECAUSE/)
  assert.match(refused('gone', 'plain'), /plain: BECAUSE/)
  assert.match(refused('open', '{ map: [segment, name] }'), /only with a reason/)
  assert.match(refused('phone', '{ plain: "" }'), /reason is a text/)
  assert.match(refused('phone', '{ plain: "ask jane@example.com" }'), /the reason holds a personal value/)
  assert.match(refused('phone', '{ plain: x, token: true }'), /a reason goes with/)
  assert.match(refused('rest.a.b', 'commit'), /lies within rest.a, which the pack calls personal/)
  assert.match(refused('phone.digits', 'plain'), /lies within phone, which the pack calls personal/)
  assert.match(refused('open.segment', 'plain'), /lies within open, which the pack commits/)
  assert.match(refused('a..b', 'plain'), /no path/)
  assert.match(refused('agent', 'hash'), /no classification/)
  assert.match(refused('agent', 'mask'), /no mask goes with the kind "value"/)
  assert.match(refused('agent', '{ mask: { first: 7 } }'), /up to 6 first and 4 last/)
  assert.match(refused('agent', '{ mask: { last: 5 } }'), /up to 6 first and 4 last/)
  assert.match(refused('agent', '{ personal: id, whose: agent }'), /no role of "people"; known: customer/)
  assert.match(refused('agent', '{ token: true, verify-only: true }'), /nothing is kept but what checks it/)
  assert.match(refused('delivery_status', 'commit'), /the log tells by it/)
  // The record's own names stand in clear.
  assert.match(refused('case', 'commit'), /"subject" reads event.case, which is personal/)
})

test('a card number is never both a token and a mask (PCI DSS 3.5.1), and its masks are those of cards', () => {
  assert.match(refused('card', '{ token: true, mask: card }'), /PCI DSS 3.5.1/)
  assert.match(refused('agent', '{ personal: card-number, token: true, mask: last4 }'), /PCI DSS 3.5.1/)
  for (const mask of ['phone', 'email', '{ first: 6, last: 4 }']) assert.match(refused('card', `{ mask: ${mask} }`), /PCI DSS 3.4.1/)
})

test('a path that no pack names is taken, with a word about the one that may be meant', () => {
  const { warnings } = load('      agnet: commit\n')
  assert.deepEqual(
    warnings.filter(({ message }) => message.includes('protect')).map(({ line, message }) => [line, message]),
    [[5, 'trails.desk.protect.agnet: no pack of the trail names it; did you mean "agent"?']],
  )
})
