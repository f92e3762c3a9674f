import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { withTable } from '../../../../scripts/config-doc.ts'
import { loadConfig, parseConfig } from '../../src/config/load.ts'
import type { Loaded } from '../../src/config/load.ts'
import { KEYS } from '../../src/config/schema.ts'
import { SealtrailError } from '../../src/errors.ts'

const folder = await mkdtemp(join(tmpdir(), 'config-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const repo = join(import.meta.dirname, '../../../..')

const parse = (text: string, env: Record<string, string> = {}): Loaded => parseConfig(text, 'sealtrail.yaml', folder, { cwd: folder, env })

function refused(text: string, env: Record<string, string> = {}): SealtrailError {
  try {
    parse(text, env)
  } catch (error) {
    assert.ok(error instanceof SealtrailError, String(error))
    return error
  }
  return assert.fail(`the configuration was taken: ${text}`)
}

test('no file at all: the defaults', () => {
  const { config, warnings } = loadConfig(null, { cwd: folder, env: {} })
  assert.deepEqual(warnings, [])
  assert.equal(config.data, join(folder, 'sealtrail-data'))
  assert.deepEqual(config.listen, { host: '127.0.0.1', port: 8787 })
  assert.equal(config.tenant, 'default')
  assert.equal(config.tls, null)
  assert.deepEqual(Object.keys(config.trails), ['interactions', 'notifications'])
  const { packs, ...interactions } = config.trails['interactions'] ?? assert.fail()
  assert.deepEqual(packs, [join(repo, 'packs/genesys-interactions')])
  assert.deepEqual(interactions, {
    name: 'interactions',
    filter: null,
    map: null,
    subscription: null,
    sequence: { settleMs: 5_000, quietMs: 30_000, holdMs: 300_000 },
    protect: {},
    retain: { mode: 'COMPLIANCE', periodMs: 366 * 86_400_000, detailMs: null, keep: null, content: null, classes: [] },
    public: false,
  })
  for (const empty of ['', '# nothing', '---', 'trails:', 'trails: {}', 'seal:\ntls: ~\nwitnesses:\nsources: {}']) assert.deepEqual(parse(empty).config, config)
})

test('every key is taken where it stands', () => {
  mkdirSync(join(folder, 'my-pack'), { recursive: true })
  writeFileSync(join(folder, 'my-pack/pack.yaml'), '')
  const { config } = parse(`
origin: audit.example.com/cc
data: elsewhere
listen: "[::1]:0"
tls: { cert: file:a.crt, key: file:/b.key }
tenant: acme
store: { type: files, timeout: 5s, probe: 1h, unlocked: go-on }
database: sqlite
journal: files
keys: { type: files, folder: /mnt/keys, maxAge: 365d }
seal: { maxDelay: 0s, maxRecords: 500, maxBytes: 1MiB }
clock: { accept: 2027-01-31T12:00:00Z }
auth: { dualControl: [hold, erase], approveWithin: 1d, purposeRequired: true }
trails:
  notifications: false
  calls:
    pack: [./my-pack, genesys-interactions]
    filter: event.a == 1
    subscription: { eventTypes: call, filterExpression: event.b == 2 }
    map: { a: "{{event.a}}", b: { c: [1, true, null] } }
    sequence: { settle: 1s, quiet: PT2S, hold: 3000ms }
    protect: { userId: commit, ani: { token: true, mask: phone } }
    retain: { mode: GOVERNANCE, period: P2Y1M1W1DT1H, detail: 30d, keep: 'event.a == 1', content: { basis: SEC 17a-4(b)(4), period: 29d }, classes: { phi: { tags: [HIPAA, Phi-2], period: P6Y, content: { basis: a § 1 } }, mifid: { period: P5Y, content: { basis: MiFID II Art. 16(7), period: P4Y } }, old: false, pci: { mode: GOVERNANCE, period: 400d } } }
    public: true
limits: { maxBody: 1kB, maxEvent: 512, maxDepth: 3, maxEvents: 4, answerWithin: 0.5s, exportKeep: 2d, exportRecords: 9, checksPerHour: 7, ingestThreads: 0 }
`)
  assert.deepEqual(config, {
    origin: 'audit.example.com/cc',
    data: join(folder, 'elsewhere'),
    listen: { host: '::1', port: 0 },
    tls: { certFile: join(folder, 'a.crt'), keyFile: '/b.key' },
    tenant: 'acme',
    clock: { acceptMs: Date.UTC(2027, 0, 31, 12) },
    store: { place: { type: 'files' }, replica: null, timeoutMs: 5_000, probeMs: 3_600_000, unlocked: 'go-on', cold: null },
    keys: { folder: '/mnt/keys', keeping: { type: 'files', passphrase: null }, maxAgeMs: 365 * 86_400_000 },
    seal: { maxDelayMs: 0, maxRecords: 500, maxBytes: 1_048_576 },
    witnesses: null,
    timestamps: null,
    trails: {
      interactions: parse('').config.trails['interactions'],
      calls: {
        name: 'calls',
        packs: [join(folder, 'my-pack'), join(repo, 'packs/genesys-interactions')],
        filter: '(event.a == 1) && (event.b == 2)',
        map: { a: '{{event.a}}', b: { c: [1, true, null] } },
        subscription: { eventTypes: ['call'] },
        sequence: { settleMs: 1_000, quietMs: 2_000, holdMs: 3_000 },
        protect: { userId: 'commit', ani: { token: true, mask: 'phone' } },
        retain: {
          mode: 'GOVERNANCE',
          periodMs: ((2 * 366 + 31 + 7 + 1) * 24 + 1) * 3_600_000,
          detailMs: 30 * 86_400_000,
          keep: 'event.a == 1',
          content: { basis: 'SEC 17a-4(b)(4)', periodMs: 29 * 86_400_000 },
          classes: [
            {
              name: 'phi',
              tags: ['HIPAA', 'Phi-2'],
              mode: 'COMPLIANCE',
              periodMs: 6 * 366 * 86_400_000,
              content: { basis: 'a § 1', periodMs: 6 * 366 * 86_400_000 },
            },
            {
              name: 'mifid',
              tags: ['mifid'],
              mode: 'COMPLIANCE',
              periodMs: 5 * 366 * 86_400_000,
              content: { basis: 'MiFID II Art. 16(7)', periodMs: 4 * 366 * 86_400_000 },
            },
            { name: 'pci', tags: ['pci'], mode: 'GOVERNANCE', periodMs: 400 * 86_400_000, content: null },
          ],
        },
        public: true,
      },
    },
    auth: { dualControl: ['hold', 'erase'], approveWithinMs: 86_400_000, purposeRequired: true },
    limits: {
      maxBodyBytes: 1_000,
      maxEventBytes: 512,
      maxDepth: 3,
      maxEvents: 4,
      answerWithinMs: 500,
      exportKeepMs: 172_800_000,
      exportRecords: 9,
      checksPerHour: 7,
    },
    ingestThreads: 0,
  })
})

test('a file is read, its paths start beside it, and the command line goes before it', () => {
  mkdirSync(join(folder, 'etc'), { recursive: true })
  writeFileSync(join(folder, 'etc/sealtrail.yaml'), 'data: d\nlisten: 9000\n')
  const options = { cwd: folder, env: {} }
  assert.equal(loadConfig('etc/sealtrail.yaml', options).config.data, join(folder, 'etc/d'))
  const { config } = loadConfig('etc/sealtrail.yaml', { ...options, data: 'x', port: 0 })
  assert.deepEqual([config.data, config.listen], [join(folder, 'x'), { host: '127.0.0.1', port: 0 }])
  assert.throws(() => loadConfig('none.yaml', options), { code: 'CONFIG_INVALID', message: 'none.yaml cannot be read (ENOENT)' })
})

test('mistakes name line, column and what was probably meant, all of them at once', () => {
  const { code, message } = refused(
    [
      'orign: a',
      'seal:',
      '  maxdelay: 5',
      '  maxRecords: 0',
      'trails:',
      '  calls:',
      '    retention: {}',
      '  Bad_Name: {}',
      '  system: {}',
      'listen: 70000',
      'colour: red',
    ].join('\n'),
  )
  assert.equal(code, 'CONFIG_INVALID')
  assert.deepEqual(message.split('\n'), [
    'sealtrail.yaml:1:1: unknown key "orign"; did you mean "origin"?',
    'sealtrail.yaml:3:3: seal: unknown key "maxdelay"; did you mean "maxDelay"?',
    'sealtrail.yaml:4:15: seal.maxRecords: a whole number from 1 to 65536 is needed here',
    'sealtrail.yaml:7:5: trails.calls: unknown key "retention"; did you mean "retain"?',
    'sealtrail.yaml:8:3: trails: a name has lower-case letters, digits and hyphens, at most 63',
    'sealtrail.yaml:9:3: trails: the name "system" is taken',
    'sealtrail.yaml:10:9: listen: HOST:PORT or PORT is needed here, such as 127.0.0.1:8787',
    'sealtrail.yaml:11:1: unknown key "colour"; known: origin, data, listen, tls, tenant, store, database, journal, keys, seal, clock, sources, witnesses, timestamps, trails, auth, limits',
  ])
})

test('values that cannot be are refused where they stand', () => {
  const cases: [string, RegExp][] = [
    ['- a', /1:1: the file must be a map/],
    ['just text', /1:1: the file must be a map/],
    ['seal: 5', /1:7: seal: a map is needed here; known keys: maxDelay, maxRecords, maxBytes/],
    ['origin: https://a', /1:9: origin: a URL without scheme/],
    ['origin: [a]', /1:9: origin: a single value/],
    ['tenant: A b', /1:9: tenant: lower-case/],
    ['seal: { maxDelay: 5 }', /1:19: seal.maxDelay: a duration is needed here, such as 500ms, 30s/],
    ['seal: { maxDelay: P }', /a duration/],
    ['seal: { maxBytes: 5 bits }', /a size/],
    ['seal: { maxRecords: 1e3 }', /./],
    ['trails: { a: {} }', /1:11: trails.a.pack is missing/],
    ['trails: { a: { pack: no-such } }', /1:16: trails.a.pack: there is no built-in pack and no folder/],
    ['trails: { interactions: false, notifications: false }', /1:1: trails: at least one/],
    ['trails: { interactions: { sequence: { settle: 1h } } }', /1:27: trails.interactions.sequence: settle is at most quiet/],
    ['trails: { interactions: { retain: { period: 0s } } }', /1:37: .*longer than nothing/],
    ['trails: { interactions: { public: yes } }', /true or false/],
    ['trails: { interactions: { map: [] } }', /a map is needed/],
    ['tls: { cert: file:a }', /1:1: tls.key is missing/],
    ['tls: { cert: a.crt, key: file:b }', /1:14: tls.cert: write file:PATH/],
    ['origin: env:NOT_SET', /1:9: origin: the environment variable NOT_SET is not set/],
    ['origin: file:not-there', /1:9: origin: the file it refers to cannot be read \(ENOENT\)/],
    ['a: 1\na: 2', /2:1: not valid YAML \(duplicate key\)/],
    ['a: [', /not valid YAML/],
    ['origin: *nowhere', /not valid YAML \(alias of nothing\)/],
    ['trails: { interactions: { map: { a: *nowhere } } }', /map: not valid YAML \(an alias of nothing, or too many\)/],
  ]
  for (const [text, expected] of cases) {
    if (text.includes('1e3')) assert.equal(parse(text).config.seal.maxRecords, 1000)
    else assert.match(refused(text).message, expected, text)
  }
})

test('what a later version will know is refused by that name, not ignored', () => {
  const cases: [string, RegExp][] = [
    ['sources: { kafka: {} }', /sources: not available/],
    ['database: postgres://db', /database: postgres is not available/],
    ['journal: kafka', /journal: kafka is not available/],
    ['trails: { interactions: { forward: [x] } }', /trails.interactions.forward: not available/],
  ]
  for (const [text, expected] of cases) {
    const { code, message } = refused(text)
    assert.equal(code, 'CONFIG_INVALID')
    assert.match(message, expected)
  }
})

test('references stand for their values', () => {
  writeFileSync(join(folder, 'origin.txt'), 'from.file/x\n')
  assert.equal(parse('origin: file:origin.txt').config.origin, 'from.file/x')
  assert.equal(parse('origin: env:ORIGIN', { ORIGIN: 'from.env' }).config.origin, 'from.env')
  assert.equal(parse('origin: &o a.example\ntenant: *o'.replace('a.example', 'acme')).config.tenant, 'acme')
  assert.equal(parse('listen: env:PORT', { PORT: '81' }).config.listen.port, 81)
})

test('no value is ever repeated, wherever a secret was put by mistake', () => {
  const secret = 'Hunter2-Geheim'
  const places = [
    (s: string) => `origin: ${s}`,
    (s: string) => `tls: { cert: ${s}, key: ${s} }`,
    (s: string) => `store: ${s}`,
    (s: string) => `store: { secret: ${s} }`,
    (s: string) => `seal: { maxDelay: ${s}, maxBytes: ${s}, maxRecords: ${s} }`,
    (s: string) => `listen: ${s}`,
    (s: string) => `auth: { token: ${s} }`,
    (s: string) => `key: ${s}`,
    (s: string) => `"${s} = x": 1`,
    (s: string) => `trails: { interactions: { pack: ${s}, public: ${s}, retain: { mode: ${s} } } }`,
    (s: string) => `origin: *${s}`,
    (s: string) => `trails: { interactions: { map: { a: *${s} } } }`,
    (s: string) => `origin: !${s} x`,
    (s: string) => `origin: "${s}`,
    (s: string) => `${s}: [`,
    (s: string) => `origin: file:${s}`,
    (s: string) => `tenant: env:A B ${s}`,
    (s: string) => `trails: { "${s}": {} }`,
  ]
  for (const place of places) assert.doesNotMatch(refused(place(secret)).message, /unter2|eheim/, place('…'))
  assert.doesNotMatch(refused('tenant: env:SECRET', { SECRET: `${secret}!` }).message, /unter2|eheim/)
})

test('a subscription pasted in whole works, its destination is ignored with a warning', () => {
  const subscription = (id: string, type = 'KinesisDataFirehose') => `trails:
  interactions:
    subscription:
      {
        "name": "EveryTransition",
        "eventTypes": [
          "call.stateChange",
          "email.stateChange"
        ],
        "destinationType": "${type}",
        "destinationId": "${id}",
        "filterExpression": "event_type == 'stateChange'"
      }
`
  const wrong = parse(subscription('arn:aws:kinesis:eu-west-1:210987654321:firehose/sealing'))
  assert.deepEqual(wrong.config.trails['interactions']?.subscription, { eventTypes: ['call.stateChange', 'email.stateChange'] })
  assert.equal(wrong.config.trails['interactions']?.filter, "event_type == 'stateChange'")
  assert.deepEqual(
    wrong.warnings.map(({ code, line, message }) => [code, line, message]),
    [
      [
        'WRONG_DESTINATION',
        11,
        'trails.interactions.subscription: the destination is ignored, events are sealed here; besides, this is no ARN of a Firehose stream; it would be arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME',
      ],
    ],
  )
  const right = parse(subscription('arn:aws:firehose:eu-west-1:210987654321:deliverystream/sealing'))
  assert.deepEqual(
    right.warnings.map(({ code, message }) => [code, message]),
    [['CONFIG_INVALID', 'trails.interactions.subscription: the destination is ignored, events are sealed here']],
  )
  assert.equal(parse(subscription('https://x.example', 'Webhook')).warnings[0]?.code, 'CONFIG_INVALID')
})

test('a transform block pasted in is taken as it is', () => {
  const block = { audit_id: '{{event.id}}', regulatory_tag: 'KEEP', ingestion_timestamp: '{{now()}}', platform_tenant_id: '{{tenant.id}}' }
  assert.deepEqual(
    parse(`trails:\n  notifications:\n    map:\n${JSON.stringify(block, null, 2).replace(/^/gm, '      ')}\n`).config.trails['notifications']?.map,
    block,
  )
})

test('a lock mode or header that does not exist is answered with the one that does', () => {
  const mode = refused('trails: { interactions: { retain: { mode: COMPLY } } }')
  assert.equal(mode.code, 'WRONG_LOCK_MODE')
  assert.match(mode.message, /1:43: trails.interactions.retain.mode: there is no mode COMPLY: write COMPLIANCE/)
  assert.match(refused('trails: { interactions: { retain: { mode: compliance } } }').message, /did you mean COMPLIANCE\?/)
  const headers = 'x-amz-bucket-object-lock-mode: COMPLY\nx-amz-bucket-object-lock-retention-date: 2031-01-01T00:00:00Z\n'
  const places = [
    headers,
    `trails:\n  interactions:\n    retain:\n${headers.replace(/^(?=.)/gm, '      ')}`,
    `trails:\n  interactions:\n    map:\n      headers:\n${headers.replace(/^(?=.)/gm, '        ')}`,
  ]
  for (const text of places) {
    const { code, message } = refused(text)
    assert.equal(code, 'WRONG_LOCK_HEADER')
    assert.match(message, /x-amz-object-lock-mode;/)
    if (!text.includes('map:')) assert.match(message, /x-amz-object-lock-retain-until-date;/)
  }
  const request = refused(`PUT /{bucket-name}/audit/event.json\nHeaders:\n  ${headers.replace('\n', '\n  ')}\nBody:\n{ "data": { ... } }\n`)
  assert.match(request.message, /4:3: .*x-amz-object-lock-retain-until-date/)
  assert.match(request.message, /COMPLY: write COMPLIANCE/)
  assert.match(refused('x-amz-object-lock-mode: GOVERNANCE').message, /write `mode` and `period`/)
})

test('warnings say what is allowed and seldom meant', () => {
  const messages = (text: string) => parse(text).warnings.map(({ message }) => message.split(':')[0])
  assert.deepEqual(messages('listen: 0.0.0.0:80'), ['listen', 'origin'])
  assert.deepEqual(messages('listen: 0.0.0.0:80\norigin: a.example\ntls: { cert: file:a, key: file:b }'), [])
  assert.deepEqual(messages('trails: { interactions: { public: true, retain: { mode: GOVERNANCE, period: P30D } } }'), [
    'trails.interactions.retain.mode',
    'trails.interactions.retain.period',
    'trails.interactions.public',
  ])
})

test('the guides can be pasted literally', { skip: existsSync(join(repo, '../shared/seeds')) ? false : 'the guides are not at hand' }, () => {
  const interactions = readFileSync(join(repo, '../shared/seeds/interaction-audit-trail.txt'), 'utf8')
  const notifications = readFileSync(join(repo, '../shared/seeds/notification-audit-trail.txt'), 'utf8')
  const block = (text: string, first: RegExp) => {
    const from = text.slice(text.search(first))
    return from.slice(from.indexOf('{'), from.indexOf('\n}') + 2)
  }
  const under = (path: string, json: string) => `trails:\n  ${path.split('.')[0]}:\n    ${path.split('.')[1]}:\n${json.replace(/^/gm, '      ')}\n`
  const subscription = parse(under('interactions.subscription', block(interactions, /\{\s*"name": "AuditTrailEventStream"/)))
  assert.equal(subscription.config.trails['interactions']?.subscription?.eventTypes.length, 3)
  assert.equal(subscription.warnings[0]?.code, 'WRONG_DESTINATION')
  const map = parse(under('notifications.map', block(notifications, /\{\s*"audit_id": "\{\{event\.id/))).config.trails['notifications']?.map
  assert.equal(Object.keys(map ?? {}).length, 12)
  const put = interactions.slice(interactions.indexOf('PUT /{bucket-name}'), interactions.indexOf('Validation, Edge Cases'))
  assert.match(refused(put).message, /x-amz-object-lock-mode.*\n?[^]*COMPLIANCE/)
})

test('whatever is written, the answer is a configuration or a list of places (property)', () => {
  const names = KEYS.flatMap(({ path }) => path.split('.')).concat('interactions', 'x', '__proto__', 'constructor')
  const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
    node: fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('5s', '1MiB', 'files', 'COMPLIANCE'),
      fc.array(tie('node'), { maxLength: 3 }),
      tie('map'),
    ),
    map: fc.dictionary(fc.constantFrom(...names), tie('node'), { maxKeys: 4 }),
  })).map
  fc.assert(
    fc.property(
      fc.oneof(
        value.map((each) => JSON.stringify(each)),
        fc.string(),
      ),
      (text) => {
        try {
          parse(text)
        } catch (error) {
          assert.ok(error instanceof SealtrailError, String((error as Error).stack))
          for (const line of error.message.split('\n')) assert.match(line, /^sealtrail\.yaml:\d+:\d+: /)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('the document and the schema say the same', () => {
  const document = readFileSync(join(repo, 'docs/configuration.md'), 'utf8')
  assert.equal(withTable(document), document, 'run scripts/config-doc.ts')
  const example = /```yaml\n([^]*?)```/.exec(document)?.[1] ?? ''
  assert.equal(parse(example).config.trails['interactions']?.retain.periodMs, 6 * 366 * 86_400_000)
})
