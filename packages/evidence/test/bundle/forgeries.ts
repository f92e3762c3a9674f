// What a forger may try with an evidence bundle, one bundle per kind, each with what the verifier must say. The forger is
// careful: whatever is changed, the list of contents is made anew to fit, unless the kind is just that. Shared by the tests
// of the library, the command line and the page.
import { formatTilePath, proveInclusion } from '@sealtrail/tlog'
import { commitmentOf, disclosureDigest, makeDisclosure, recordBytes } from '@sealtrail/evidence'
import type { ProblemCode } from '@sealtrail/evidence'
import { tilesForRange } from '../../src/bundle/range-tiles.ts'
import { makeCertificate, makeToken } from '../timestamp/forge.ts'
import { FROM, goodRange, goodSubject, SIZE, SUBJECT, TO, world } from './examiner.ts'
import type { Brought } from './examiner.ts'
import { bundleOf, filesOf, lineOf, rangeDraft, stampOf, subjectDraft, tokenOver } from './sample-bundle.ts'
import type { Draft } from './sample-bundle.ts'
import { house, sampleLog, sampleRecord, signedCheckpoint, START } from './sample-log.ts'
import type { House } from './sample-log.ts'
import { zipOf } from './zip.ts'

export interface Forgery {
  readonly id: string
  /** What was done, in the past tense. */
  readonly what: string
  /** The code that must be among the findings; null: no finding, the verdict alone tells. */
  readonly code: ProblemCode | null
  /** Made when asked for: some take a while. */
  readonly make: () => { readonly bundle: Uint8Array; readonly brought?: Partial<Brought> }
}

const range = (change: (draft: Draft) => void): { bundle: Buffer } => {
  const draft = rangeDraft(world().log, FROM, TO)
  change(draft)
  return { bundle: bundleOf(draft) }
}
const subject = (change: (draft: Draft) => void): { bundle: Buffer } => {
  const draft = subjectDraft(world().log, SUBJECT)
  change(draft)
  return { bundle: bundleOf(draft) }
}
/** Another record than the log has at this index, of the same caller and number. */
const otherRecord = (index: number): Uint8Array => {
  const { fields } = sampleRecord(index)
  return recordBytes({ ...fields, data: { ...fields.data, waitedSeconds: 1 } })
}
const askedRange = { asked: { range: { log: 'calls', from: FROM, to: TO } } }
const withFiles = (change: (files: Map<string, Uint8Array>) => void): { bundle: Buffer } =>
  range((draft) => {
    draft.files = change
  })
/** After the list of contents was made. */
const behind = (change: (files: Map<string, Uint8Array>) => void): { bundle: Buffer } => {
  const files = filesOf(rangeDraft(world().log, FROM, TO))
  change(files)
  return { bundle: zipOf(files) }
}
const flip = (bytes: Uint8Array, at: number): Uint8Array => bytes.map((byte, i) => (i === at ? byte ^ 1 : byte))

/** A log of the forger's, in which one record says something else, under whatever name and keys. */
function resigned(of: House): Draft {
  const log = sampleLog(of, SIZE, (i) => (i === FROM + 5 ? { ...sampleRecord(i), bytes: otherRecord(i) } : sampleRecord(i)))
  return rangeDraft(log, FROM, TO)
}

export const FORGERIES: readonly Forgery[] = [
  {
    id: 'record-changed',
    what: 'one value of one record was changed',
    code: 'RECORD_CHANGED',
    make: () => range(({ lines }) => void (lines[5]!.record = otherRecord(FROM + 5))),
  },
  {
    id: 'record-invented',
    what: 'a record was replaced by one that seals the forger’s own value, which is disclosed and fits it',
    code: 'RECORD_CHANGED',
    make: () =>
      range(({ lines }) => {
        const { fields } = sampleRecord(FROM + 5)
        const disclosure = makeDisclosure('AAAAAAAAAAAAAAAAAAAAAA', '+15550000000')
        const line = lines[5]!
        const digest = disclosureDigest(disclosure)
        line.record = recordBytes({ ...fields, data: { ...fields.data, caller: commitmentOf(digest) } })
        line.fields = line.fields.map((field) => (field.path === '/caller' ? { ...field, digest } : field))
        line.disclosures = [disclosure]
      }),
  },
  { id: 'record-dropped', what: 'a record in the middle was left out', code: 'RECORD_MISSING', make: () => range(({ lines }) => void lines.splice(17, 1)) },
  {
    id: 'records-reordered',
    what: 'two records changed places',
    code: 'RECORD_ORDER',
    make: () => range(({ lines }) => void lines.splice(8, 2, lines[9]!, lines[8]!)),
  },
  {
    id: 'record-inserted',
    what: 'a record that was never sealed was put in',
    code: 'RECORD_CHANGED',
    make: () =>
      range((draft) => {
        draft.lines.splice(10, 0, { ...draft.lines[9]!, record: otherRecord(FROM + 9) })
        draft.claimed = TO - FROM
      }),
  },
  {
    id: 'foreign-checkpoint',
    what: 'the signed state is of another log, signed with that log’s own key',
    code: 'CHECKPOINT_SIGNATURE',
    make: () => range((draft) => void (draft.checkpoint = signedCheckpoint({ ...draft.log, house: house('log.example.org/other', 33) }, [0, 1]))),
  },
  {
    id: 'other-log',
    what: 'all of it is genuine, of another log whose key the examiner has too, under the name of the one asked for',
    code: 'CHECKPOINT_LOG',
    make: () => {
      const other = house('log.example.org/chats', 33)
      const keys = [world().log.house.log.vkey, other.log.vkey]
      const bundle = bundleOf(rangeDraft({ ...sampleLog(other, SIZE), name: 'calls' }, FROM, TO))
      return { bundle, brought: { ...askedRange, keys, policy: '', roots: [other.root.der] } }
    },
  },
  {
    id: 'unknown-key',
    what: 'the signed state bears the log’s name and a stranger’s signature',
    code: 'CHECKPOINT_SIGNATURE',
    make: () =>
      range(
        (draft) => void (draft.checkpoint = signedCheckpoint({ ...draft.log, house: { ...world().forger, witnesses: draft.log.house.witnesses } }, [0, 1])),
      ),
  },
  {
    id: 'key-of-same-name',
    what: 'the examiner’s key has the log’s name and is another key',
    code: 'CHECKPOINT_SIGNATURE',
    make: () => ({ bundle: goodRange(), brought: { keys: [world().forger.log.vkey], policy: '' } }),
  },
  {
    id: 'too-few-witnesses',
    what: 'one witness countersigned where two must',
    code: 'QUORUM_NOT_MET',
    make: () => range((draft) => void (draft.checkpoint = signedCheckpoint(draft.log, [1]))),
  },
  {
    id: 'witness-twice',
    what: 'the same witness countersigned twice, in place of a second one',
    code: 'CHECKPOINT_FORMAT',
    make: () =>
      range((draft) => {
        const once = signedCheckpoint(draft.log, [1])
        draft.files = (files) => void files.set('log/calls/checkpoint', Buffer.from(`${once}${once.split('\n').at(-2)}\n`))
      }),
  },
  {
    id: 'state-edited',
    what: 'the size in the signed state was raised by one',
    code: 'CHECKPOINT_SIGNATURE',
    make: () => range((draft) => void (draft.checkpoint = draft.checkpoint.replace(`\n${SIZE}\n`, `\n${SIZE + 1}\n`))),
  },
  {
    id: 'token-other-root',
    what: 'the time stamp was given for another state of the log',
    code: 'TIMESTAMP_IMPRINT',
    make: () => range(({ stamp, log }) => void (stamp!.token = tokenOver(stampOf(sampleLog(log.house, 200)).text, log.house))),
  },
  {
    id: 'stamp-other-history',
    what: 'the time stamp is good, and of a history in which a record was another',
    code: 'HISTORY_MISMATCH',
    make: () => range((draft) => void (draft.stamp = { ...stampOf(resigned(draft.log.house).log), consistency: draft.stamp!.consistency })),
  },
  {
    id: 'token-untrusted-authority',
    what: 'the time stamp comes from an authority of the forger’s own',
    code: 'TIMESTAMP_CHAIN',
    make: () => range(({ stamp }) => void (stamp!.token = tokenOver(stamp!.text, world().forger))),
  },
  {
    id: 'token-wrong-usage',
    what: 'the time stamp was signed with a certificate for signing programs, under the right root',
    code: 'TIMESTAMP_USAGE',
    make: () =>
      range(({ stamp, log }) => {
        const signer = makeCertificate({
          name: 'Code signer',
          issuer: log.house.root,
          kind: 'tsa',
          eku: ['1.3.6.1.5.5.7.3.3'],
          notBefore: START - 1e9,
          notAfter: START + 1e10,
        })
        stamp!.token = makeToken({ text: Buffer.from(stamp!.text), signer, genTimeMs: START + 1e7 })
      }),
  },
  {
    id: 'token-changed',
    what: 'a bit of the time stamp was changed',
    code: 'TIMESTAMP_SIGNATURE',
    make: () => range(({ stamp }) => void (stamp!.token = flip(stamp!.token, stamp!.token.length - 8))),
  },
  {
    id: 'disclosure-changed',
    what: 'a disclosed value was replaced by another one',
    code: 'DISCLOSURE_FOREIGN',
    make: () =>
      range(({ lines }) => {
        const [first, ...rest] = lines[3]!.disclosures
        const [salt] = JSON.parse(Buffer.from(first!, 'base64url').toString()) as string[]
        lines[3]!.disclosures = [Buffer.from(JSON.stringify([salt, 'Somebody Else'])).toString('base64url'), ...rest]
      }),
  },
  {
    id: 'disclosure-other-record',
    what: 'a disclosed value was moved to another record',
    code: 'DISCLOSURE_FOREIGN',
    make: () => range(({ lines }) => void (lines[4]!.disclosures = [...lines[8]!.disclosures])),
  },
  {
    id: 'disclosure-other-field',
    what: 'the caller was declared to be the agent, and the agent the caller',
    code: 'FIELD_STATE',
    make: () =>
      range(({ lines }) => {
        const [agent, caller, ...rest] = lines[3]!.fields
        lines[3]!.fields = [{ ...agent!, path: caller!.path }, { ...caller!, path: agent!.path }, ...rest]
      }),
  },
  {
    id: 'disclosure-withheld',
    what: 'a value is said to be disclosed and is not there',
    code: 'DISCLOSURE_MISSING',
    make: () => range(({ lines }) => void lines[3]!.disclosures.pop()),
  },
  {
    id: 'lines-behind',
    what: 'values were added behind those of the last record, of a number no log reaches',
    code: 'FIELD_STATE',
    make: () =>
      withFiles((files) => {
        const path = 'disclosures/calls.ndjson'
        const line = (index: number): Buffer => Buffer.from(`{"disclosures":["${makeDisclosure('AAAAAAAAAAAAAAAAAAAAAA', 'She agreed')}"],"index":${index}}\n`)
        files.set(path, Buffer.concat([files.get(path)!, line(Number.MAX_SAFE_INTEGER), line(FROM + 1)]))
      }),
  },
  {
    id: 'resigned',
    what: 'a record was changed and the whole bundle signed again with the forger’s keys',
    code: 'CHECKPOINT_SIGNATURE',
    make: () => ({ bundle: bundleOf(resigned(world().forger)) }),
  },
  {
    id: 'resigned-nothing-brought',
    what: 'the same, before an examiner who brings nothing from elsewhere',
    code: null,
    make: () => ({ bundle: bundleOf(resigned(world().forger)), brought: { keys: [], policy: '', roots: [] } }),
  },
  {
    id: 'sequence-gap',
    what: 'the second of a call’s records was left out, with its proof',
    code: 'SEQUENCE_GAP',
    make: () => subject(({ lines }) => void lines.splice(1, 1)),
  },
  {
    id: 'cut-start-careless',
    what: 'the range’s first records were cut off',
    code: 'RECORD_MISSING',
    make: () => range(({ lines }) => void lines.splice(0, 4)),
  },
  { id: 'cut-end-careless', what: 'the range’s last records were cut off', code: 'RECORD_MISSING', make: () => range(({ lines }) => void lines.splice(-4)) },
  {
    id: 'cut-start',
    what: 'the range begins later than asked, and says so everywhere',
    code: 'BUNDLE_ASKED',
    make: () => ({ bundle: bundleOf(rangeDraft(world().log, FROM + 4, TO)), brought: askedRange }),
  },
  {
    id: 'cut-end',
    what: 'the range ends sooner than asked, and says so everywhere',
    code: 'BUNDLE_ASKED',
    make: () => ({ bundle: bundleOf(rangeDraft(world().log, FROM, TO - 4)), brought: askedRange }),
  },
  {
    id: 'log-cut',
    what: 'an older signed state was used, under which the last records do not exist yet',
    code: 'RECORD_MISSING',
    make: () => {
      const draft = rangeDraft(world().log, FROM, TO)
      const older = sampleLog(draft.log.house, TO - 8)
      draft.checkpoint = signedCheckpoint(older, [0, 1])
      draft.lines = draft.lines.slice(0, -8)
      draft.files = (files) => {
        const tiles = tilesForRange(FROM, TO - 8, TO - 8)
        for (const path of files.keys()) if (path.includes('/tile/')) files.delete(path)
        for (const tile of tiles) {
          const nodes = Array.from({ length: tile.width }, (_, i) => ({ level: Number(tile.level) * 8, index: tile.index * 256n + BigInt(i) }))
          files.set(`log/calls/${formatTilePath(tile)}`, Buffer.concat(older.read(nodes)))
        }
      }
      return { bundle: bundleOf(draft) }
    },
  },
  {
    id: 'digest-wrong',
    what: 'a part was changed and the list of contents left as it was',
    code: 'BUNDLE_FILE_CHANGED',
    make: () => behind((files) => void files.set('schemas/calls-1.json', Buffer.from('{"type":"string"}\n'))),
  },
  {
    id: 'list-wrong',
    what: 'the list of contents was given another digest',
    code: 'BUNDLE_FILE_CHANGED',
    make: () =>
      behind(
        (files) =>
          void files.set(
            'manifest.json',
            Buffer.from(
              Buffer.from(files.get('manifest.json')!)
                .toString()
                .replace(/"sha256":"../, '"sha256":"00'),
            ),
          ),
      ),
  },
  {
    id: 'extra-file',
    what: 'a file was added',
    code: 'BUNDLE_FILE_UNLISTED',
    make: () => behind((files) => void files.set('log/calls/opinion.txt', Buffer.from('All is well.\n'))),
  },
  {
    id: 'extra-file-listed',
    what: 'a file was added and listed',
    code: 'BUNDLE_FILE_FORMAT',
    make: () => withFiles((files) => void files.set('log/calls/opinion.txt', Buffer.from('All is well.\n'))),
  },
  {
    id: 'proof-other-index',
    what: 'a record came with the proof of its neighbour',
    code: 'RECORD_PROOF',
    make: () =>
      subject((draft) => {
        const { log, lines } = draft
        lines[1]!.proof = proveInclusion(BigInt(lines[2]!.index), BigInt(SIZE), log.read).map((hash) => Buffer.from(hash).toString('base64'))
      }),
  },
  {
    id: 'foreign-subject',
    what: 'a record of another call was put among this call’s',
    code: 'BUNDLE_ASKED',
    make: () => subject((draft) => void draft.lines.push(lineOf(draft.log, draft.log.records[100]!))),
  },
  {
    id: 'other-subject',
    what: 'the bundle is of another call than the one asked for',
    code: 'BUNDLE_ASKED',
    make: () => ({ bundle: goodSubject(), brought: { asked: { subject: 'call-10' } } }),
  },
  {
    id: 'tile-changed',
    what: 'a fingerprint of the log was changed to fit a changed record',
    code: 'TILE_MISMATCH',
    make: () =>
      range((draft) => {
        draft.files = (files) => {
          const path = 'log/calls/tile/0/000'
          files.set(path, flip(files.get(path)!, 245 * 32))
        }
      }),
  },
  {
    id: 'second-copy-changed',
    what: 'the copy for other programs says something else',
    code: 'SDJWT_MISMATCH',
    make: () =>
      withFiles((files) => {
        const path = 'disclosures/calls.sd-jwt'
        const lines = Buffer.from(files.get(path)!).toString().split('\n')
        ;[lines[0], lines[1]] = [lines[1]!, lines[0]!]
        files.set(path, Buffer.from(lines.join('\n')))
      }),
  },
  {
    id: 'entry-twice',
    what: 'the zip holds two different files of one name',
    code: 'BUNDLE_ZIP',
    make: () => {
      const files = filesOf(rangeDraft(world().log, FROM, TO))
      return { bundle: zipOf([...files, ['README.md', Buffer.from('# Another text\n')]]) }
    },
  },
  {
    id: 'bytes-behind',
    what: 'something was written behind the end of the file',
    code: 'BUNDLE_ZIP',
    make: () => ({ bundle: Buffer.concat([goodRange(), Buffer.from('PS: all true')]) }),
  },
  { id: 'cut-file', what: 'the file’s last bytes are missing', code: 'BUNDLE_ZIP', make: () => ({ bundle: goodRange().subarray(0, -700) }) },
  { id: 'no-list', what: 'the list of contents was taken out', code: 'BUNDLE_MANIFEST', make: () => behind((files) => void files.delete('manifest.json')) },
]
