// No input makes detection slow: four times the input takes four times the work, whatever it is made of.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject, JsonValue } from '../../src/event/json.ts'
import { detect } from '../../src/protect/detect.ts'
import { keysHoldCard, keysPressed } from '../../src/protect/keyed.ts'
import { sensitiveFields } from '../../src/protect/sensitive.ts'
import { splitInList, splitInMembers } from '../../src/protect/split.ts'

const PIECES = [
  ['@', 'a@', 'a.', '@a.', 'x@y.', 'x@y-', '1', '4', '1 ', '12-', '1-', '1,', '"4",', '4;', '4111 1111 1111 111', '4111,1111,1111,111,'],
  ['+1', '+1 ', '(', '0 ', '00', '+0', '020 7', '+49 ', '123-45-', 'phone 12345678 ', '(0) ', '0-0 ', '98765 4321 '],
  ['DE89', 'DE8', 'DE ', 'iban', 'ibande', 'de89 3704 0044 0532 0130 0', 'MT84 ', 'AB12-', 'GB29 NWBK ', 'XX00'],
  ['٤', '\u200b', '４', '4\u200b', '④', '\u00ad', '\ufdfa', 'e\u0301'],
  ['4111111111111111#', '#', '*', '4#', '4111111111111111#12', '1#,', '%B4^', ';4=', 'cvv 1', 'pin is 1'],
  ['2026-01-01', '2026-01-01T00:00:00.000Z', '39fa1bbe-5d47-4b6b-8ca9-', 'deadbeef', '0f'],
].flat()

/** CPU time of this thread in µs for one run: what else the machine does is not in it. The system counts in ticks, so there are enough of them. */
function cost(run: () => unknown): number {
  run()
  const start = process.threadCpuUsage()
  for (let runs = 1; ; runs++) {
    run()
    const { user, system } = process.threadCpuUsage(start)
    if (user + system >= 40_000) return (user + system) / runs
  }
}

/** Fails when four times the size takes more than nine times the work twice over: in a square it would be sixteen. */
function proportional(name: string, make: (size: number) => () => unknown): void {
  let ratio = Infinity
  for (let tries = 0; tries < 2 && ratio > 9; tries++) ratio = cost(make(32_000)) / cost(make(8_000))
  assert.ok(ratio <= 9, `${name}: four times the size take ${ratio.toFixed(1)} times the work`)
}

const repeated = (piece: string, size: number): string => piece.repeat(Math.ceil(size / piece.length))

test('texts of one piece again and again', () => {
  for (const piece of PIECES)
    proportional(piece, (size) =>
      (
        (text) => () =>
          detect(text, 'phone')
      )(repeated(piece, size)),
    )
})

test('texts of two pieces again and again, and one behind many of another', () => {
  for (let i = 0; i < PIECES.length; i++) {
    const a = PIECES[i] as string
    const b = PIECES[(i * 7 + 3) % PIECES.length] as string
    proportional(a + b, (size) =>
      (
        (text) => () =>
          detect(text, '')
      )(repeated(a + b, size)),
    )
    proportional(`${a}… ${b}`, (size) =>
      (
        (text) => () =>
          detect(text, 'from')
      )(repeated(a, size) + b),
    )
  }
})

test('sensitive data: the same pieces as a text of an event', () => {
  for (const piece of PIECES)
    proportional(piece, (size) =>
      (
        (value) => () =>
          sensitiveFields(value)
      )({ note: repeated(piece, size), cvv: null }),
    )
})

test('members and lists of pieces', () => {
  const values: JsonValue[] = ['4111', '1', 4, 4111, 'DE89', 'DE', '41111111', 'A1B2', '4-1']
  for (const value of values) {
    proportional(`list of ${JSON.stringify(value)}`, (size) =>
      (
        (list) => () =>
          splitInList(list, 'digits')
      )(Array.from({ length: size }, () => value)),
    )
    for (const key of ['card', 'x', 'first']) {
      proportional(`members of ${JSON.stringify(value)}`, (size) =>
        (
          (members) => () =>
            splitInMembers(members, 'card')
        )(Object.fromEntries(Array.from({ length: size }, (_, i) => [key + i, value])) as JsonObject),
      )
    }
  }
  proportional('keys', (size) =>
    (
      (list) => () =>
        keysHoldCard(keysPressed(list) as string)
    )(Array.from({ length: size }, (_, i) => String((i * 7) % 10))),
  )
  for (const element of [{ digits: '4111111111111111' }, { digits: '1' }, '4', '#'] as JsonValue[])
    proportional(`walk of ${JSON.stringify(element)}`, (size) =>
      (
        (list) => () =>
          sensitiveFields(list)
      )(Array.from({ length: size }, () => element)),
    )
})
