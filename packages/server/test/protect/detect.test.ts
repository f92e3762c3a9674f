import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { getCountries, getExampleNumber } from 'libphonenumber-js/max'
import examples from 'libphonenumber-js/mobile/examples'
import { isCardNumber } from '../../src/protect/cards.ts'
import { detect, detectNumber, holdsCard } from '../../src/protect/detect.ts'
import { asciiDigits } from '../../src/protect/digits.ts'
import { CORPUS } from './corpus.ts'

test('the corpus: cards, addresses, numbers, near misses, ids and times', () => {
  assert.ok(CORPUS.length >= 150)
  const wrong: string[] = []
  for (const [text, expected, name] of CORPUS) {
    const found = detect(text, name ?? '')
    if (found !== expected) wrong.push(`${JSON.stringify(text)} (${name ?? ''}): ${found}, not ${expected}`)
    assert.equal(detect(text, name ?? ''), found, 'the cache agrees')
  }
  assert.deepEqual(wrong, [])
})

test('a corpus text is found inside of a longer one', () => {
  const wrong: string[] = []
  for (const [text, expected, name] of CORPUS) {
    if (expected === null) continue
    for (const around of [`Hello, ${text} and thanks`, `${'word '.repeat(200)}${text}${' word'.repeat(200)}`, `<b>${text}</b>\n`]) {
      if (detect(around, name ?? '') === null) wrong.push(around.slice(0, 80))
    }
  }
  assert.deepEqual(wrong, [])
})

test('every digit of a card number matters', () => {
  for (const number of ['4111111111111111', '378282246310005', '2223003122003222', '6205500000000000004']) {
    assert.ok(isCardNumber(number))
    for (let at = 0; at < number.length; at++) {
      for (let digit = 0; digit < 10; digit++) {
        const changed = number.slice(0, at) + digit + number.slice(at + 1)
        if (changed !== number && at > 3) assert.ok(!isCardNumber(changed), changed)
      }
    }
  }
})

test('card numbers as JSON numbers are found, times and counts are not', () => {
  assert.equal(detectNumber(4111111111111111, 'n'), 'card')
  assert.equal(detectNumber(378282246310005, 'n'), 'card')
  for (const value of [1795183331204, 1795183331204567, 4111111111111112, 0, -4111111111111111, 4111.5, 1e15, Number.MAX_SAFE_INTEGER])
    assert.equal(detectNumber(value, 'n'), null)
})

test('ids and times never hit', () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => detect(id, 'sessionId') === null && detect(`v2.users.${id}.conversations`, 'topic') === null),
    { numRuns: 3000 },
  )
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), (ms) => {
      const time = new Date(ms).toISOString()
      return (
        [String(ms), time, time.replace('T', ' ').replace('Z', ''), time.slice(0, 19) + 'Z', time.slice(0, 10)].every(
          (text) => detect(text, 'time') === null,
        ) && detectNumber(ms, 'n') === null
      )
    }),
    { numRuns: 3000 },
  )
})

test('seconds and milliseconds since 1970 are no telephone numbers, whatever their field is called', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1_000_000_000, max: 1_999_999_999 }), fc.integer({ min: 0, max: 999 }), (seconds, ms) =>
      ['from', 'to', 'addressFrom', 'callerPhone', 'callbackScheduledTime', 'dialingDurationMs'].every((name) =>
        [seconds, seconds * 1000 + ms].every((value) => detect(String(value), name) === null && detectNumber(value, name) === null),
      ),
    ),
    { numRuns: 2000 },
  )
})

test('a text that speaks of a call and of a case is no telephone number', () => {
  for (const text of [
    'recording of call 2026-00123 for litigation',
    'call 2025/4711/0815',
    'call 4711-0815',
    'caller of ticket 2026.000417',
    'call at 14.02 on 20.11.2026',
    'call 7 of 12',
    'dial plan 12-3 rev 4',
  ])
    assert.equal(detect(text, 'reason'), null, text)
  for (const text of ['call 512 345 678', 'caller 301 2345678', 'call 32 12 34 56']) assert.equal(detect(text, 'reason'), 'phone', text)
})

test('digits of every script are digits', () => {
  for (let point = 0x80; point < 0x20000; point++) {
    const char = point >= 0xd800 && point <= 0xdfff ? '' : String.fromCodePoint(point)
    if (/\p{Nd}/u.test(char)) assert.match(asciiDigits(char), /^\d$/)
  }
  assert.equal(asciiDigits('٠١٢٣٤٥٦٧٨٩ ۹ ９ 𝟎𝟗 𝟘𝟡 𝟢𝟫 𝟬𝟵 𝟶𝟿'), '0123456789 9 9 09 09 09 09 09')
  assert.equal(asciiDigits('plain 12'), 'plain 12')
})

test('a number of every country is found: as E.164, as people write it, and as written at home where the field’s name says so', () => {
  let countries = 0
  for (const country of getCountries()) {
    const number = getExampleNumber(country, examples)
    if (number === undefined) continue
    countries++
    for (const text of [
      number.number,
      number.formatInternational(),
      number.formatInternational().replaceAll(' ', '-'),
      number.getURI(),
      `call ${number.formatInternational()}.`,
    ])
      assert.equal(detect(text, 'note'), 'phone', text)
    for (const text of [number.formatNational(), number.number.slice(1)])
      if (text.replace(/\D/g, '').length >= 8) assert.equal(detect(text, 'callerPhone'), 'phone', `${country} ${text}`)
  }
  assert.ok(countries > 200)
})

test('a text with a card number is never a token', () => {
  assert.ok(holdsCard('4111 1111 1111 1111'))
  assert.ok(holdsCard('٤١١١١١١١١١١١١١١١'))
  assert.ok(!holdsCard('+13175550142'))
  assert.ok(!holdsCard('39fa1bbe-5d47-4b6b-8ca9-6976cd87d85f'))
})

test('long hostile texts take time in proportion to their length', () => {
  const hostile = [
    '@',
    'a@',
    'a.',
    '1',
    '1 ',
    '12-',
    '+1',
    '+1 ',
    '(',
    '0 ',
    '4111 1111 1111 111',
    '@a.',
    '4',
    '٤',
    '1-',
    '00',
    '+0',
    '020 7',
    'x@y.',
    '123-45-',
    'phone 12345678 ',
    '+49 ',
    'DE89 ',
    'iban',
    '4,',
  ]
  for (const piece of hostile) {
    // CPU time of this thread: other processes do not count.
    const time = (length: number): number => {
      const text = piece.repeat(Math.ceil(length / piece.length))
      const start = process.threadCpuUsage()
      detect(text, 'phone')
      const { user, system } = process.threadCpuUsage(start)
      return (user + system) / 1000
    }
    time(1000)
    assert.ok(time(100_000) < 1000, piece)
  }
})
