import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { SealtrailError, type ErrorCode } from '../../src/errors.ts'
import { protectSample } from '../../src/cli/protect-sample.ts'
import { testPack } from '../../src/pack/check.ts'
import { loadPack } from '../../src/pack/load.ts'
import { input } from './input.ts'

const FIXTURE = join(import.meta.dirname, 'fixtures/hallo-desk')
const scratch = mkdtempSync(join(tmpdir(), 'sealtrail-pack-'))
after(() => rmSync(scratch, { recursive: true }))

/** The fixture with its pack.yaml changed. */
function changed(change: (yaml: string) => string, schemas: Readonly<Record<string, string>> = {}): string {
  const dir = join(mkdtempSync(join(scratch, 'x-')), 'hallo-desk')
  cpSync(FIXTURE, dir, { recursive: true })
  const path = join(dir, 'pack.yaml')
  const before = readFileSync(path, 'utf8')
  const after = change(before)
  writeFileSync(path, after)
  for (const [name, text] of Object.entries(schemas)) {
    mkdirSync(join(dir, 'schema'), { recursive: true })
    writeFileSync(join(dir, 'schema', name), text)
  }
  return dir
}

const replaced =
  (from: string, to: string) =>
  (yaml: string): string => {
    assert.ok(yaml.includes(from), from)
    return yaml.replace(from, to)
  }

function refused(dir: string, pattern: RegExp, code: ErrorCode = 'PACK_INVALID', binding = {}): void {
  assert.throws(
    () => loadPack(dir, binding),
    (error) => {
      assert.ok(error instanceof SealtrailError, String(error))
      assert.equal(error.code, code)
      assert.match(error.message, pattern)
      assert.ok(!error.message.includes(scratch), 'no path of the machine')
      return true
    },
  )
}

describe('a pack of a platform nobody has heard of', () => {
  it('works with YAML alone, and pack test says so', () => {
    const report = testPack(FIXTURE)
    assert.deepEqual(
      report.samples.filter((sample) => sample.difference !== null),
      [],
    )
    assert.deepEqual(report.problems, [])
    assert.equal(report.ok, true)
    assert.deepEqual(report.unclassified, ['note'])
    assert.ok(report.methods.length > 0 && report.methods.every(({ path, method }) => path !== '' && method !== ''))
    assert.deepEqual(report.untested, [])
  })

  it('is bound to the trail asked for, else to its own', () => {
    assert.equal(loadPack(FIXTURE).trail, 'hallo-desk')
    const pack = loadPack(FIXTURE, { trail: 'desk' })
    assert.equal(pack.trail, 'desk')
    assert.deepEqual([pack.name, pack.version, pack.sequenced, pack.statuses.size, pack.schemas.length], ['hallo-desk', 3, true, 0, 0])
  })

  it('has a digest of all that decides what it does', () => {
    const { digest } = loadPack(FIXTURE)
    assert.match(digest, /^sha256:[0-9a-f]{64}$/)
    assert.equal(loadPack(changed((yaml) => yaml)).digest, digest)
    assert.notEqual(loadPack(changed((yaml) => `${yaml}# \n`)).digest, digest)
    assert.notEqual(loadPack(changed((yaml) => yaml, { '1.json': '{"type":"object"}' })).digest, digest)
  })
})

describe('a pack that is wrong names file, line and column', () => {
  const cases: readonly [string, string, RegExp][] = [
    ['version: 3', 'version: three', /^hallo-desk\/pack\.yaml:3:10: a whole number/],
    ['version: 3', 'verson: 3', /^hallo-desk\/pack\.yaml:3:1: unknown key "verson"; known: name, version/],
    ['name: hallo-desk', 'name: "Hallo Desk"', /:2:7: a pack is named with/],
    ['sequenced: true', 'sequenced: yes', /:5:12: true or false/],
    ['ignore: [ping]', 'ignore: [ping', /:\d+:\d+: /],
    ['time: event.at', 'time: event.at +', /:20:19: Unexpected token/],
    ['time: event.at', 'time: evnt.at', /:20:9: Unknown variable: evnt/],
    ['"{{event.ticket.no}}/{{event.serial}}"', '"{{event.ticket.no}}/{{event.}}"', /:18:36: Expected IDENTIFIER/],
    ['"{{event.ticket.no}}/{{event.serial}}"', '"{{event.ticket.no"', /:18:8: \{\{ without \}\}/],
    ['  - topic: [ticket.opened, ticket.shut]\n', '  - topic: [ping]\n', /:10:10: this topic is there already/],
    ['  - topic: ticket.batch', '  - topic: ticket.shut', /the topic ticket\.shut is there already/],
    ['  - topic: ticket.batch', '  - topic: a.{id}.b.{id}', /more than one \{id\}/],
    ['    each: changes[]', '    each: changes[', /: /],
    [
      'caller.phone: { personal: phone, whose: caller, token: true }',
      'caller.phone: { personal: phone, whose: customer }',
      /"customer" is no role of "people"; known: caller/,
    ],
    ['pin: refuse', 'pin: forget', /"forget" is no classification/],
    ['pin: refuse', 'pin: refuse\n  pin.: plain', /"pin\." is no path/],
    ['pin: refuse', 'pin: refuse\n  ticket: plain', /ticket is classified twice/],
    ['pin: refuse', 'pin: { map: [], personal: x }', /either "personal" or "map"/],
    ['    type: example.hallo.ticket.changed\n    each', '    each', /the event needs "type"/],
    ['state: changed }', 'effect: explodes }', /"effect" is opens or closes/],
    ['ticket: "{{event.ticket.no}}"\n', 'ticket: "{{event.ticket.no}}"\n    __proto__: x\n', /cannot be called __proto__/],
  ]
  for (const [from, to, pattern] of cases) it(`${from.trim()} → ${to.trim()}`.replaceAll('\n', '⏎'), () => refused(changed(replaced(from, to)), pattern))

  it('a folder without pack.yaml, a schema that is none', () => {
    refused(join(scratch, 'nowhere'), /nowhere\/pack\.yaml cannot be read \(ENOENT\)/)
    refused(
      changed((yaml) => yaml, { '1.json': '{"type": 5}' }),
      /schema\/1\.json: /,
    )
    refused(
      changed((yaml) => yaml, { '1.json': '[' }),
      /schema\/1\.json: /,
    )
    refused(
      changed((yaml) => yaml, { 'first.json': '{}' }),
      /called by its version/,
    )
  })
})

describe('a personal value cannot get into id, subject, source or type', () => {
  for (const [key, from] of [
    ['subject', 'subject: "{{event.ticket.no}}"'],
    ['id', 'id: "{{event.ticket.no}}/{{event.serial}}"'],
    ['source', 'source: urn:example:hallo-desk'],
  ] as const) {
    it(`by template: ${key}`, () => {
      for (const [path, why] of [
        ['event.ticket.caller.phone', 'personal'],
        ['event.ticket.caller.nick', 'personal'],
        ['event.ticket.unheard', 'not in the map'],
        ['raw.hallo.ticket.no', 'not in the map'],
        ['data.caller.phone', 'personal'],
        ['context.subject', 'not in the map'],
        ['event.note', 'not classified'],
      ] as const) {
        refused(changed(replaced(from, `${key}: "x{{${path}}}"`)), new RegExp(`"${key}" reads ${path.replaceAll('.', '\\.')}, which is ${why}`))
      }
    })
  }

  it('nor through a conditional, an index, or a copy the templates do not show', () => {
    refused(
      changed(replaced('subject: "{{event.ticket.no}}"', `subject: '{{event.serial == 1 ? event.ticket.no : event.ticket.caller.phone}}'`)),
      /reads event\.ticket\.caller\.phone/,
    )
    const dir = changed(
      replaced('    ticket: "{{event.ticket.no}}"\n', '    ticket: "{{event.ticket.no}}"\n    again: "{{event.ticket.caller.phone + \'\'}}"\n').bind(null),
    )
    const sly = changed((yaml) =>
      yaml.replace(
        '  - topic: ticket.batch',
        '  - topic: ticket.renamed\n    type: example.hallo.ticket.changed\n    as: { ticket: { no: "{{event.ticket.caller.phone}}", caller: "{{event.ticket.caller}}" }, serial: 1 }\n  - topic: ticket.batch',
      ),
    )
    writeFileSync(
      join(sly, 'samples/renamed.json'),
      JSON.stringify({ delivery_id: 4, what: 'ticket.renamed', hallo: { ticket: { caller: { phone: '+493055501234' } } } }),
    )
    const report = testPack(sly, { update: true })
    assert.equal(report.ok, false)
    assert.ok(
      report.problems.some((problem) => problem.includes('the subject shows the value of caller.phone')),
      report.problems.join('\n'),
    )
    assert.ok(testPack(dir).unclassified.includes('again'))
  })
})

describe('what a trail adds to a pack', () => {
  const opened = JSON.parse(readFileSync(join(FIXTURE, 'samples/opened.json'), 'utf8'))
  const context = { tenant: 'default' }

  it("a filter of its own holds beside the pack's", () => {
    for (const [filter, kept] of [
      ["event_type == 'stateChange'", 1],
      ['event.desk == 8', 0],
      ['event.nothing == "x"', 0],
    ] as const) {
      const result = loadPack(FIXTURE, { trail: 'desk', filter }).apply(input(opened), context)
      assert.deepEqual(
        [result.kind, result.kind === 'events' && result.events.length, result.kind === 'events' && result.dropped],
        ['events', kept, 1 - kept],
        filter,
      )
    }
  })

  it('a filter that errs or gives no bool quarantines, and never drops', () => {
    for (const filter of ['event.nothing < 1', 'event.desk', 'event.desk.startsWith("x")']) {
      const result = loadPack(FIXTURE, { filter }).apply(input(opened), context)
      assert.deepEqual([result.kind, result.kind === 'error' && result.code], ['error', 'EXPRESSION_FAILED'], filter)
    }
  })

  it('its map takes the place of the default map', () => {
    const result = loadPack(FIXTURE, { map: { state: 'x{{event.verb}}', when: '{{now()}}', nothing: '{{event.a.b}}', n: 1, list: [null, true] } }).apply(
      input(opened),
      context,
    )
    assert.deepEqual(result.kind === 'events' && result.events[0]!.data, {
      state: 'xopened',
      when: '2026-01-01T00:00:00.000Z',
      nothing: null,
      n: 1,
      list: [null, true],
    })
  })

  it('mistakes in it are mistakes of the configuration', () => {
    refused(FIXTURE, /^trails\.desk\.filter:1:\d+: Unknown variable: evnt/, 'CONFIG_INVALID', { trail: 'desk', filter: 'evnt == 1' })
    refused(FIXTURE, /^trails\.desk\.map:1:\d+: /, 'CONFIG_INVALID', { trail: 'desk', map: { a: '{{event.}}' } })
    refused(FIXTURE, /^trails\.desk\.subscription\.eventTypes: there is no event type "x"; known: none/, 'CONFIG_INVALID', {
      trail: 'desk',
      subscription: { eventTypes: ['x'] },
    })
  })
})

describe('pack test', () => {
  it('finds a changed record, a missing and an orphan expectation, and a pack that does not load', () => {
    const dir = changed(replaced('desk: "desk {{event.desk}}, {{tenant.id}}"', 'desk: "Desk {{event.desk}}"'))
    const report = testPack(dir)
    assert.equal(report.ok, false)
    assert.equal(report.samples.find((sample) => sample.file === 'opened.json')!.difference, '/events/0/data/desk: expected "desk 7, default", found "Desk 7"')
    rmSync(join(dir, 'expected/opened.json'))
    writeFileSync(join(dir, 'expected/other.json'), '{}')
    const again = testPack(dir)
    assert.equal(again.samples.find((sample) => sample.file === 'opened.json')!.difference, 'expected/opened.json is missing')
    assert.deepEqual(again.problems, ['expected/other.json has no sample'])
    const broken = testPack(changed(replaced('version: 3', 'version: x')))
    assert.deepEqual([broken.ok, broken.problems.length, broken.name], [false, 1, null])
  })

  it('says which fields called plain hold what is personal, and which samples are refused', () => {
    const dir = changed((yaml) => yaml)
    const opened = readFileSync(join(dir, 'samples/opened.json'), 'utf8')
    assert.ok(opened.includes('"desk": 7'))
    writeFileSync(join(dir, 'samples/card.json'), opened.replace('"desk": 7', '"desk": "4111 1111 1111 1111"'))
    writeFileSync(join(dir, 'samples/track.json'), opened.replace('"desk": 7', '"desk": ";4111111111111111=27121010000000000?"'))
    const report = testPack(dir, { update: true, protect: protectSample })
    assert.deepEqual(report.detected, [{ path: 'desk', kind: 'card', samples: 1 }])
    assert.deepEqual(report.refused, [{ file: 'track.json', why: 'desk may not be kept in any form' }])
    assert.deepEqual([testPack(dir).detected, testPack(dir).refused], [[], []], 'only who protects can say so')
  })

  it('finds two samples with one id that are not one event', () => {
    const dir = changed((yaml) => yaml)
    const opened = readFileSync(join(dir, 'samples/opened.json'), 'utf8')
    writeFileSync(join(dir, 'samples/twin.json'), opened.replace('"desk": 7', '"desk": 9'))
    assert.match(testPack(dir, { update: true }).problems.join(), /twin\.json and opened\.json have the same id but differ/)
  })
})
