import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { piecesOf } from '../../src/cli/ingest/pieces.ts'
import { printable, size, some, table } from '../../src/cli/output.ts'
import { Progress } from '../../src/cli/progress.ts'
import { scratch } from './io.ts'

const place = scratch()
after(() => place.remove())

test('a bar on a terminal, a plain line every few seconds elsewhere', () => {
  const shown = (terminal: boolean, everyMs: number): string => {
    let text = ''
    let now = 0
    const progress = new Progress({ stderr: (more) => void (text += more), terminal, columns: 60, now: () => now }, 'work')
    for (let i = 0; i <= 100; i++, now += everyMs) progress.at(i / 100, `${i} events`)
    progress.done()
    return text
  }
  const plain = shown(false, 100)
  assert.deepEqual(plain.split('\n'), ['work: 50 events (50 %), 5 s', 'work: 100 events (100 %), 10 s', ''])
  const bar = shown(true, 100)
  assert.ok(!bar.includes('\n') && bar.includes('\r') && bar.endsWith('\u001b[K'))
  assert.ok(bar.split('\r').every((line) => line.replace('\u001b[K', '').length < 60))
  assert.equal(shown(true, 0), '')
})

test('tables, counts, sizes, and text that would redraw a terminal', () => {
  assert.equal(
    table([
      ['a', 'b'],
      ['long', 'c'],
    ]),
    'a     b\nlong  c\n',
  )
  assert.deepEqual([some(1, 'record'), some(12_345, 'record'), size(999), size(1_500_000)], ['1 record', '12,345 records', '999 B', '1.5 MB'])
  assert.equal(printable('a\u001b[2Jb\u202ec'), 'a\\u001b[2Jb\\u202ec')
  // attacker: a line of one's own, a name that is not the one it looks like, a line turned around.
  assert.equal(printable('x\nok\tlog'), 'x\\u000aok\\u0009log')
  assert.equal(printable('x\n\ty\r', true), 'x\n\ty\\u000d')
  for (const c of '\u200b\u200d\u200e\u2060\u2066\u061c\ufeff\u2028\u007f\u009b') assert.match(printable(`a${c}b`, true), /^a\\u[0-9a-f]{4}b$/)
})

test('files are cut so that every event is there once, in order, whatever the line ends and chunk sizes', async () => {
  const events = Array.from({ length: 1234 }, (_, i) => JSON.stringify({ n: i, text: 'ä,]}"\\n'.repeat(i % 7) }))
  for (const [name, text] of [
    ['lf.ndjson', events.join('\n')],
    ['crlf.ndjson', `${events.join('\r\n')}\r\n`],
    ['blank.ndjson', `\n\n${events.join('\n\n')}\n\n`],
    ['array.json', `[\n ${events.join(' ,\n')}\n]\n`],
  ] as const) {
    writeFileSync(place.at(name), text)
    const none = (async function* () {})()
    const chunks = (async function* () {
      const bytes = Buffer.from(text)
      for (let at = 0; at < bytes.length; at += 997) yield bytes.subarray(at, at + 997)
    })()
    for (const [path, stdin] of [
      [place.at(name), none],
      ['-', chunks],
    ] as const) {
      const found: string[] = []
      const places: number[] = []
      for await (const piece of piecesOf(path, stdin, { offset: 0, counted: 0 })) {
        assert.ok(piece.places.length <= 500)
        const whole = piece.body.toString()
        const parsed =
          piece.type === 'application/json'
            ? (JSON.parse(whole) as unknown[])
            : whole
                .split('\n')
                .filter((line) => line.trim() !== '')
                .map((line) => JSON.parse(line) as unknown)
        assert.equal(parsed.length, piece.places.length)
        found.push(...parsed.map((value) => JSON.stringify(value)))
        places.push(...piece.places)
      }
      assert.deepEqual(found, events, `${name} ${path}`)
      assert.ok(places.every((n, i) => i === 0 || n > (places[i - 1] as number)))
    }
  }
})

test('a file is taken up again from any piece’s end', async () => {
  const path = place.at('lf.ndjson')
  const none = (async function* () {})()
  const all = []
  for await (const piece of piecesOf(path, none, { offset: 0, counted: 0 })) all.push(piece)
  for (const [i, { offset, counted }] of all.entries()) {
    const rest = []
    for await (const piece of piecesOf(path, none, { offset, counted })) rest.push(piece)
    assert.deepEqual(rest, all.slice(i + 1))
  }
})
