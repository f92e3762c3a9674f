import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '../../src/event/json.ts'
import { sensitiveFields } from '../../src/protect/sensitive.ts'

// Entered by keys: a security code or PIN behind a card number refuses the event, whatever its field is called (PCI DSS 3.3.1).
const CARD = '4111111111111111'
const AMEX = '378282246310005'

const found = (value: JsonValue): string[] => {
  const walked = sensitiveFields(value)
  assert.deepEqual(sensitiveFields(value, Buffer.from(JSON.stringify(value))), walked, 'one scan of the bytes lets nothing off')
  return walked
}

test('an entry of three digits behind a card number, or of four that are no expiry date', () => {
  for (const keys of [
    `${CARD}#123#`,
    `${CARD}*123*`,
    `${CARD}#123`,
    `${CARD}##123#`,
    `${CARD}#1227#123#`,
    `${CARD}#1327#`,
    `${AMEX}#1227#1234#`,
    `${AMEX}#1227#`,
    `1#${CARD}#123#`,
    `caller keyed ${CARD}#123# at the prompt`,
    [...CARD, '#', '1', '2', '3', '#'].join(','),
    [...CARD, '#', '1', '2', '3'].join(' '),
    `４１１１１１１１１１１１１１１１#123#`,
  ])
    assert.deepEqual(found({ note: keys }), ['note'], keys)
  for (const keys of [
    CARD,
    `${CARD}#`,
    `${CARD}#1227#`,
    `${CARD}#1#`,
    `${CARD}#12345#`,
    '4111111111111112#123#',
    '10242#123#',
    `#123#${CARD}`,
    'order #123 of 4',
    '*123#',
    `${CARD} ext 123`,
  ])
    assert.deepEqual(found({ note: keys }), [], keys)
})

test('keys as a list, of texts, numbers and objects', () => {
  const keys = [...CARD, '#', '1', '2', '3', '#']
  for (const list of [
    keys,
    keys.map((key) => (/\d/.test(key) ? Number(key) : key)),
    keys.map((digit) => ({ digit })),
    keys.map((key, at) => ({ at: `t${at}`, key })),
    keys.map((key) => (key === '#' ? 'pound' : key)),
  ])
    assert.deepEqual(found({ presses: list }), ['presses[]'], JSON.stringify(list))
  for (const list of [[...CARD, '#'], [...CARD, '#', '1', '#'], keys.slice(1), [...CARD, '#', '1', '2', '2', '7', '#']])
    assert.deepEqual(found({ presses: list }), [])
})

test('entries kept apart, under names that speak of keys', () => {
  assert.deepEqual(found({ steps: [{ digits: CARD }, { digits: '1227' }, { digits: '123' }] }), ['steps[]'])
  assert.deepEqual(
    found({
      steps: [
        { prompt: 'a', dtmf: CARD },
        { prompt: 'b', dtmf: '123#' },
      ],
    }),
    ['steps[]'],
  )
  assert.deepEqual(found({ dtmf1: CARD, dtmf2: '123' }), ['(keys)'])
  assert.deepEqual(found({ ivr: { collectedDigits: CARD, enteredDigits: 123 } }), ['ivr'])
  for (const name of ['userEntry', 'caller_entry', 'IVR Entry', 'menuEntry', 'menu_input', 'keypadDigits', 'digits_collected', 'keysPressed', 'Pressed Keys'])
    assert.deepEqual(found({ steps: [{ [name]: CARD }, { [name]: '123' }] }), ['steps[]'], name)
  assert.deepEqual(found({ steps: [{ digits: CARD }, { digits: '1' }, { digits: '123' }] }), [], 'what follows a menu’s choice is no code')
  assert.deepEqual(found({ steps: [{ digits: '10242' }, { digits: '123' }] }), [])
  assert.deepEqual(found({ lastFourDigits: '1111', digits: '123' }), [])
  assert.deepEqual(found({ card: CARD, floor: '123' }), [], 'nobody says it was entered')
})
