import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  checkpointPolicy,
  cosigner,
  ed25519Signer,
  formatCheckpoint,
  formatPolicy,
  formatVkey,
  isQuorumMet,
  openCheckpoint,
  openCheckpointByPolicy,
  parsePolicy,
  signNote,
  TYPE_ML_DSA_44,
  witnessVerifiers,
  type Policy,
  type PolicyGroup,
} from '../src/index.ts'
import { mth, refuses } from './oracle.ts'

const seed = (n: number): Uint8Array => new Uint8Array(32).fill(n)
const log = ed25519Signer('log.example/calls', seed(11))
const other = ed25519Signer('log.example/other', seed(12))
const w = Array.from({ length: 6 }, (_, i) => cosigner(`w${i}.example`, seed(40 + i)))
const vkey = (i: number): string => (w[i] as (typeof w)[0]).vkey
const mldsa = formatVkey('pq.example', TYPE_ML_DSA_44, new Uint8Array(1312).fill(7))
const text = formatCheckpoint({ origin: 'log.example/calls', size: 5n, root: mth(0, 5) })
const TIME = 1_700_000_000n
const note = (...by: number[]): string =>
  signNote(
    text,
    [log],
    by.map((i) => (w[i] as (typeof w)[0]).cosign(text, TIME)),
  )
const EXAMPLE = `# two operators
log ${log.vkey} https://log.example/calls

witness X1 ${vkey(0)} https://w0.example/
witness X2\t${vkey(1)}
  witness X3 ${vkey(2)}
group X-witnesses 2 X1 X2 X3
witness Y1 ${vkey(3)}
witness Y2 ${vkey(4)}
  # indented comment
group Y-witnesses any Y1 Y2
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`

describe('tlog-policy', () => {
  it('is read as its specification’s example means it: every set of cosigners (table of 32)', () => {
    const policy = parsePolicy(EXAMPLE)
    assert.deepEqual(
      policy.witnesses.map(({ name, url }) => [name, url]),
      [
        ['X1', 'https://w0.example/'],
        ['X2', null],
        ['X3', null],
        ['Y1', null],
        ['Y2', null],
      ],
    )
    for (let set = 0; set < 32; set++) {
      const by = [0, 1, 2, 3, 4].filter((i) => set & (1 << i))
      const expected = by.filter((i) => i < 3).length >= 2 && by.some((i) => i >= 3)
      assert.equal(
        isQuorumMet(
          policy,
          by.map((i) => policy.witnesses[i]!.name),
        ),
        expected,
        `set ${set}`,
      )
      if (expected) assert.equal(openCheckpointByPolicy(note(...by), policy).cosignatures.length, by.length)
      else refuses(() => openCheckpointByPolicy(note(...by), policy), 'QUORUM_NOT_MET')
    }
  })

  it('evaluates any nesting as the definition does (property, against a recursive oracle)', () => {
    const shape = fc.array(fc.record({ k: fc.nat(), members: fc.array(fc.nat(), { minLength: 1, maxLength: 6 }) }), { maxLength: 8 })
    fc.assert(
      fc.property(shape, fc.nat({ max: 63 }), fc.nat(), (shapes, set, choice) => {
        const free = ['0', '1', '2', '3', '4', '5']
        const all = [...free]
        const groups: PolicyGroup[] = []
        for (const { k, members } of shapes) {
          const taken = [...new Set(members.map((m) => m % Math.max(1, free.length)))]
            .sort((a, b) => b - a)
            .flatMap((at) => (at < free.length ? free.splice(at, 1) : []))
          if (taken.length === 0) continue
          const name = `g${groups.length}`
          groups.push({ name, threshold: 1 + (k % taken.length), members: taken })
          free.push(name)
          all.push(name)
        }
        const quorum = all[choice % all.length] as string
        const lines =
          [0, 1, 2, 3, 4, 5].map((i) => `witness ${i} ${vkey(i)}\n`).join('') +
          groups.map((g) => `group ${g.name} ${g.threshold} ${g.members.join(' ')}\n`).join('')
        const policy = parsePolicy(`${lines}quorum ${quorum}\n`)
        assert.deepEqual(policy.groups, groups)
        const signed = (name: string): boolean => {
          const group = groups.find((each) => each.name === name)
          return group === undefined ? (set & (1 << Number(name))) !== 0 : group.members.filter(signed).length >= group.threshold
        }
        const by = [0, 1, 2, 3, 4, 5].filter((i) => set & (1 << i)).map(String)
        assert.equal(isQuorumMet(policy, by), signed(quorum))
        assert.deepEqual(parsePolicy(formatPolicy(policy)), policy)
      }),
      { numRuns: 300 },
    )
  })

  it('is written as it is read', () => {
    const policy = parsePolicy(EXAMPLE)
    assert.deepEqual(parsePolicy(formatPolicy(policy)), policy)
    assert.equal(formatPolicy(parsePolicy('quorum none')), 'quorum none\n')
    refuses(() => formatPolicy({ ...policy, logs: [...policy.logs, { key: policy.logs[0]!.key, vkey: other.vkey, url: null }] }), 'INVALID_ARGUMENT')
    refuses(() => formatPolicy({ ...policy, quorum: 'nobody' }), 'POLICY_MALFORMED')
    refuses(() => formatPolicy({ ...policy, groups: [{ name: 'a\nquorum none', threshold: 1, members: ['X1'] }] } as Policy), 'POLICY_MALFORMED')
  })

  it('takes quorum none, one witness as quorum, all and any, empty lines, no final newline', () => {
    assert.equal(isQuorumMet(parsePolicy('quorum none\n'), []), true)
    assert.equal(openCheckpointByPolicy(note(), parsePolicy(`log ${log.vkey}\nquorum none`)).size, 5n)
    const one = parsePolicy(`\n\t \nwitness a ${vkey(0)}\nquorum a`)
    assert.deepEqual([isQuorumMet(one, []), isQuorumMet(one, ['a']), isQuorumMet(one, ['b'])], [false, true, false])
    for (const [k, threshold] of [
      ['all', 2],
      ['any', 1],
      ['1', 1],
      ['2', 2],
    ] as const)
      assert.equal(parsePolicy(`witness a ${vkey(0)}\nwitness b ${vkey(1)}\ngroup g ${k} a b\nquorum g`).groups[0]?.threshold, threshold)
  })

  const witnesses = `witness a ${vkey(0)}\nwitness b ${vkey(1)}\n`
  const sameKeyOtherName = cosigner('elsewhere.example', seed(40)).vkey
  const logAsWitness = cosigner('w.example', seed(11)).vkey
  const BAD: ReadonlyArray<readonly [string, string, RegExp]> = [
    ['no quorum', witnesses, /no quorum/],
    ['two quorums', `${witnesses}quorum a\nquorum b\n`, /line 4.*already/],
    ['quorum of two names', `${witnesses}quorum a b\n`, /line 3/],
    ['quorum without a name', `${witnesses}quorum\n`, /line 3/],
    ['quorum undefined', `${witnesses}quorum c\n`, /not defined/],
    ['quorum before its definition', `quorum a\n${witnesses}`, /line 1.*not defined/],
    ['quorum in other letters', `${witnesses}quorum A\n`, /not defined/],
    ['unknown keyword', `${witnesses}threshold 2\nquorum a`, /line 3/],
    ['keyword in capitals', `${witnesses}Quorum a`, /line 3/],
    ['group of nobody', `${witnesses}group g any\nquorum g`, /line 3/],
    ['group 0', `${witnesses}group g 0 a b\nquorum g`, /threshold/],
    ['group k > n', `${witnesses}group g 3 a b\nquorum g`, /threshold/],
    ['group -1', `${witnesses}group g -1 a b\nquorum g`, /threshold/],
    ['group 02', `${witnesses}group g 02 a b\nquorum g`, /threshold/],
    ['group 1.0', `${witnesses}group g 1.0 a b\nquorum g`, /threshold/],
    ['group 0x1', `${witnesses}group g 0x1 a b\nquorum g`, /threshold/],
    ['group ALL', `${witnesses}group g ALL a b\nquorum g`, /threshold/],
    ['member defined later', `witness a ${vkey(0)}\ngroup g any a b\nwitness b ${vkey(1)}\nquorum g`, /line 2.*not defined/],
    ['member twice in one group', `${witnesses}group g 2 a a\nquorum g`, /once/],
    ['member in two groups', `${witnesses}group g any a b\ngroup h any b g\nquorum h`, /once/],
    ['group in itself', `${witnesses}group g any a g\nquorum g`, /not defined/],
    ['none as a member', `${witnesses}group g any none a\nquorum g`, /not defined/],
    ['witness none', `witness none ${vkey(0)}\nquorum none`, /reserved/],
    ['group none', `${witnesses}group none any a\nquorum none`, /reserved/],
    ['name twice', `witness a ${vkey(0)}\nwitness a ${vkey(1)}\nquorum a`, /defined already/],
    ['group named as a witness', `${witnesses}group a any b\nquorum a`, /defined already/],
    ['key twice', `witness a ${vkey(0)}\nwitness b ${vkey(0)}\nquorum a`, /same public key/],
    ['key twice under another name', `witness a ${vkey(0)}\nwitness b ${sameKeyOtherName}\nquorum a`, /same public key/],
    ['log twice', `log ${log.vkey}\nlog ${log.vkey}\nquorum none`, /same public key/],
    ['log twice under another origin', `log ${log.vkey}\nlog ${ed25519Signer('x.example', seed(11)).vkey}\nquorum none`, /same public key/],
    ['log key as a witness', `log ${log.vkey}\nwitness a ${logAsWitness}\nquorum a`, /same public key/],
    ['log with a cosignature key', `log ${vkey(0)}\nquorum none`, /type 0x04/],
    ['witness with a log key', `witness a ${log.vkey}\nquorum a`, /type 0x01/],
    ['log without a key', `log\nquorum none`, /line 1/],
    ['log with too much', `log ${log.vkey} https://a b\nquorum none`, /line 1/],
    ['witness with too much', `witness a ${vkey(0)} https://a b\nquorum a`, /line 1/],
    ['witness without a key', `witness a\nquorum none`, /line 1/],
    ['no vkey', `witness a https://w.example\nquorum none`, /line 1/],
    ['key ID of another key', `witness a ${vkey(0).replace(/\+[0-9a-f]{8}\+/, '+00000000+')}\nquorum a`, /key ID/],
    ['CR', `${witnesses}quorum a\r\n`, /control/],
    ['NUL in a comment', `# \0\nquorum none`, /control/],
    ['DEL', `# \x7f\nquorum none`, /control/],
    ['form feed', `quorum\x0cnone`, /control/],
    ['comment behind a line', `quorum none # nobody`, /line 1/],
  ]
  for (const [what, bad, message] of BAD) {
    it(`refuses: ${what}`, () => {
      refuses(() => parsePolicy(bad), 'POLICY_MALFORMED')
      assert.throws(() => parsePolicy(new TextEncoder().encode(bad)), message)
    })
  }

  it('treats names as octets: look-alikes, a no-break space, and what is not UTF-8', () => {
    const kelvin = parsePolicy(`witness K ${vkey(0)}\nwitness \u212a ${vkey(1)}\nwitness a\u00a0b ${vkey(2)}\ngroup g all K \u212a a\u00a0b\nquorum g`)
    assert.deepEqual(kelvin.groups[0]?.members, ['K', '\u212a', 'a\u00a0b'])
    const octets = (...parts: Array<string | number[]>): Uint8Array =>
      Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part)))
    const raw = parsePolicy(octets('witness ', [0xff], ` ${vkey(0)}\nwitness `, [0xfe], ` ${vkey(1)}\nquorum `, [0xfe], '\n'))
    assert.deepEqual([raw.witnesses[0]?.name, raw.quorum], ['\udcff', '\udcfe'])
    assert.equal(isQuorumMet(raw, [raw.witnesses[1]!.name]), true)
    refuses(() => formatPolicy(raw), 'INVALID_ARGUMENT')
    refuses(() => parsePolicy(octets('witness ', [0xff], ` ${vkey(0)}\nwitness `, [0xff], ` ${vkey(1)}\nquorum none`)), 'POLICY_MALFORMED')
    // C1 controls are octets 0x80..0x9F in UTF-8's second place: allowed.
    assert.equal(parsePolicy(octets('# ', [0x80, 0x9f], '\nquorum none')).quorum, null)
  })

  it('takes 32 and more of each and a nesting 100 deep, and bounds them', () => {
    const many = Array.from({ length: 100 }, (_, i) =>
      cosigner(
        `m${i}`,
        Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 200 : i)),
      ),
    ).map(({ vkey: key }, i) => `witness m${i} ${key}\n`)
    const deep = Array.from({ length: 100 }, (_, i) => `group g${i} all m${i}${i === 0 ? '' : ` g${i - 1}`}\n`)
    const policy = parsePolicy(`${many.join('')}${deep.join('')}quorum g99\n`)
    const names = policy.witnesses.map(({ name }) => name)
    assert.equal(isQuorumMet(policy, names), true)
    assert.equal(
      isQuorumMet(
        policy,
        names.filter((name) => name !== 'm0'),
      ),
      false,
    )
    const one = `witness a ${vkey(0)}\n`
    refuses(
      () => parsePolicy(`${one}${Array.from({ length: 257 }, (_, i) => `group g${i} any ${i === 0 ? 'a' : `g${i - 1}`}\n`).join('')}quorum a`),
      'POLICY_MALFORMED',
    )
    refuses(() => parsePolicy('#'.repeat(1_048_577)), 'POLICY_MALFORMED')
  })

  it('counts ML-DSA-44 witnesses as unsupported, ignores their lines, and says so when they are needed', () => {
    const lines = `log ${log.vkey}\nwitness pq ${mldsa}\nwitness a ${vkey(0)}\n`
    const lenient = parsePolicy(`${lines}group g any pq a\nquorum g`)
    assert.deepEqual(witnessVerifiers(lenient).unsupported, ['pq'])
    const foreign = { name: 'pq.example', keyId: lenient.witnesses[0]!.key.keyId, signature: new Uint8Array(2428).fill(1) }
    const withLine = signNote(text, [log], [foreign, w[0]!.cosign(text, TIME)])
    assert.equal(openCheckpointByPolicy(withLine, lenient).cosignatures.length, 1)
    refuses(() => openCheckpointByPolicy(note(), lenient), 'QUORUM_NOT_MET')
    const strict = parsePolicy(`${lines}group g all pq a\nquorum g`)
    refuses(() => openCheckpointByPolicy(withLine, strict), 'POLICY_UNSUPPORTED')
    // With a verifier brought along it counts; a wrong signature of it then condemns the note.
    const bring = (key: string): { name: string; keyId: number; publicKey: Uint8Array; verify: () => boolean } => ({
      name: 'pq.example',
      keyId: foreign.keyId,
      publicKey: strict.witnesses[0]!.key.publicKey,
      verify: () => key === mldsa,
    })
    assert.equal(openCheckpointByPolicy(withLine, strict, bring).cosignatures.length, 2)
    refuses(() => openCheckpointByPolicy(withLine, strict, (key) => ({ ...bring(key), verify: () => false })), 'SIGNATURE_INVALID')
  })

  it('trusts no log it does not name, and no signature under the wrong name', () => {
    const policy = parsePolicy(`log ${other.vkey}\nwitness a ${vkey(0)}\nquorum a`)
    refuses(() => openCheckpointByPolicy(note(0), policy), 'ORIGIN_MISMATCH')
    const several = parsePolicy(`log ${other.vkey}\nlog ${log.vkey}\nwitness a ${vkey(0)}\nquorum a`)
    assert.equal(openCheckpointByPolicy(note(0), several).origin, 'log.example/calls')
    // Signed by the other log's key only: it is listed, but not for this origin.
    refuses(() => openCheckpointByPolicy(signNote(text, [{ ...other }], [w[0]!.cosign(text, TIME)]), several), 'NOTE_UNVERIFIED')
    refuses(() => openCheckpoint(note(1), checkpointPolicy(several, 'log.example/calls')), 'QUORUM_NOT_MET')
    const twisted = w[0]!.cosign(text.replace('5', '6'), TIME)
    refuses(() => openCheckpointByPolicy(signNote(text, [log], [twisted]), several), 'SIGNATURE_INVALID')
  })
})
