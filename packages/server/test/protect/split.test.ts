import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '../../src/event/json.ts'
import { isCardNumber } from '../../src/protect/cards.ts'
import { keysHoldCard, keysPressed } from '../../src/protect/keyed.ts'
import { splitInList, splitInMembers } from '../../src/protect/split.ts'
import { cardOf, cut, everyCut } from '../../bench/detect/make.ts'
import { clearEvent, hitsOf } from '../../bench/detect/clear.ts'

const CARD = '4111111111111111'
const IBAN = 'DE89370400440532013000'

test('a card number cut in two or three at any place, in members of one name, is found and leaves nothing in clear', () => {
  for (const card of [CARD, '378282246310005', '30569309025904', cardOf('621234567890123456')]) {
    for (const parts of everyCut(card)) {
      const { data, hits } = clearEvent(Object.fromEntries(parts.map((part, i) => [`part${i + 1}`, part])))
      assert.deepEqual(
        hits.map(({ kind }) => kind),
        parts.map(() => 'card'),
        parts.join('|'),
      )
      for (const value of Object.values(data)) assert.equal(typeof value, 'object', 'committed')
      assert.equal(splitInList(parts, 'digits'), 'card', parts.join('|'))
    }
  }
})

test('an IBAN cut at any place is found whatever its members are called', () => {
  for (const parts of everyCut(IBAN)) {
    if ((parts[0] as string).length < 2) continue
    const names = ['country', 'zebra', 'x']
    assert.equal(splitInMembers(Object.fromEntries(parts.map((part, i) => [names[i], part])), '')[0]?.kind, 'iban', parts.join('|'))
  }
})

test('members in another order, with others between them, are put in the order of their numbers', () => {
  const [a, b, c, d] = cut(CARD, 4, 4, 4, 4) as [string, string, string, string]
  assert.deepEqual(
    hitsOf({ card3: c, mediaType: 'VOICE', card1: a, flowId: 'x', card4: d, card2: b }),
    ['card3 card', 'card1 card', 'card4 card', 'card2 card'].toSorted(),
  )
  assert.deepEqual(hitsOf({ card3: c, card1: a, card2: b }), [], 'three fours are none')
})

test('a piece that passes for a phone by itself hides nothing of the others', () => {
  const card = '6212353806825232'
  const { data, hits } = clearEvent({ card1: '6212 3538', card2: '0682 5232' })
  assert.deepEqual(hits.map(({ path, kind }) => `${path} ${kind}`).toSorted(), ['card1 card', 'card2 card', 'card2 phone'])
  assert.ok(isCardNumber(card) && Object.values(data).every((value) => typeof value === 'object'))
})

test('neighbours are one number when they are cut as cards are printed, or named like one; durations and counts are none', () => {
  assert.equal(hitsOf({ alpha: '4111', beta: '1111', gamma: '1111', delta: '1111' }).length, 4)
  for (const [card, ...lengths] of [
    ['378282246310005', 4, 6, 5],
    ['30569309025904', 4, 6, 4],
    [CARD, 6, 6, 4],
    [cardOf('45391234567890123'), 4, 4, 4, 4, 2],
    [cardOf('621234567890123456'), 4, 4, 4, 4, 3],
  ] as const) {
    const parts = cut(card, ...lengths)
    assert.equal(hitsOf(Object.fromEntries(parts.map((part, i) => ['abcde'.charAt(i) + 'lpha', part]))).length, parts.length, parts.join('-'))
  }
  assert.equal(hitsOf({ a: 411, b: 1111, c: 1111, d: 1111, e: 1 }).length, 0, 'five counts')
  assert.equal(hitsOf({ alpha: '4111', other: 'x', beta: '1111', gamma: '1111', delta: '1111' }).length, 0, 'no neighbours')
  assert.equal(hitsOf({ cardFirst: '41111111', rest: '11111111' }).length, 2)
  assert.equal(hitsOf({ queueCode: '41111111', siteCode: '11111111' }).length, 0)
  assert.equal(hitsOf({ interactingDurationMs: 41111, heldDurationMs: 11111, alertingDurationMs: 111111 }).length, 0)
  assert.equal(hitsOf({ a: 4111, b: 1111, c: 1111, d: 1111 }).length, 4, 'four fours, as numbers')
  assert.equal(hitsOf({ a: 4012, b: 8888, c: 8888, d: 1881 }).length, 4)
  assert.equal(hitsOf({ started: '2026-11-20', ended: '2026-11-27', room: '41', floor: '11' }).length, 0)
})

test('lists: keys as pressed, with what ends an entry, as numbers and within objects', () => {
  const keys = [...CARD]
  for (const list of [
    keys,
    keys.map(Number),
    [...keys, '#'],
    ['1', '2', '*', ...keys, '#'],
    ['2', ...keys],
    keys.map((digit) => ({ digit })),
    [...keys, 'pound'].map((key) => ({ key })),
  ] as JsonValue[][]) {
    assert.ok(keysHoldCard(keysPressed(list) as string), JSON.stringify(list))
    assert.equal(splitInList(list, 'list'), 'card')
  }
  for (const list of [keys.slice(1), ['1', '2', '#', '3', '4', '#'], [...CARD.slice(0, 8), '#', ...CARD.slice(8)], ['a'], [], [null]])
    assert.equal(splitInList(list as JsonValue[], 'list'), null)
  assert.deepEqual(hitsOf({ log: [null, ...keys] }), ['log card'], 'what stands in front hides nothing')
  assert.deepEqual(hitsOf({ dtmf: ['x', ...cut(CARD, 4, 4, 4, 4)] }), ['dtmf card'])
  assert.equal(splitInList(['10242', '30005', '41231'], 'queues'), null)
})

test('a list is committed whole, and a member of its elements', () => {
  const keys = [...CARD]
  assert.deepEqual(hitsOf({ dtmf: [...keys, '#'] }), ['dtmf card'])
  assert.deepEqual(hitsOf({ pressed: keys.map((digit) => ({ digit })) }), ['pressed.digit card'])
  assert.deepEqual(hitsOf({ pressed: cut(CARD, 4, 4, 4, 4).map((digit) => ({ digit })) }), ['pressed.digit card'])
  const { data } = clearEvent({ dtmf: keys })
  assert.ok(!JSON.stringify(data).includes('"4"'))
})

test('attributes that a pack lets stay in clear are looked at together', () => {
  assert.deepEqual(
    hitsOf({ attributes: { card1: '4111', card2: '1111', card3: '1111', card4: '1111', segment: 'gold' } }),
    [1, 2, 3, 4].map((n) => `attributes.card${n} card`),
  )
  const { data } = clearEvent({ attributes: { card1: '4111', card2: '1111', card3: '1111', card4: '1111', segment: 'gold' } })
  assert.deepEqual(
    (data['attributes'] as JsonValue[]).filter((each) => 'key' in (each as object)),
    [{ key: 'segment', value: 'gold' }],
  )
})
