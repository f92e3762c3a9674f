// Every byte that proves something, turned, with the manifest made anew to fit: a forger who is careful about all but one byte.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { verifyBundle } from '@sealtrail/evidence'
import type { BundleAsked } from '@sealtrail/evidence'
import { sampleFields } from '../sample.ts'
import { LOG, makeBundle, Maker, testLog } from './maker.ts'

const maker = new Maker()
const log = testLog(300)
const trust = { vkeys: [maker.signer.vkey], tsaRoots: [maker.root.der] }
/** `SLOW=1`: every byte; else one in so many. */
const STEP = process.env['SLOW'] === '1' ? 1 : 41
/** These prove nothing, and say so: texts for people, hints; certificates enclosed with a token or beside it (tokens are turned in timestamp/damage.test.ts). */
const FREE = /^(README|CERTIFICATE-DRAFT)\.md$|^schemas\/|^keys\.json$|^manifest\.json$|chain\.pem$|token\.tst$/

const kinds: Array<[string, BundleAsked]> = [
  ['a range', { kind: 'range', log: LOG, from: 255, to: 258 }],
  ['a subject', { kind: 'subject', subject: 'call-one' }],
]

describe('a bundle', () => {
  for (const [what, asked] of kinds)
    test(`of ${what} with any byte turned is no longer good`, async () => {
      const own =
        asked.kind === 'subject'
          ? testLog(5, (i) => ({ ...sampleFields(i), subject: i > 2 ? 'call-one' : `other-${i}`, subjectsequence: i > 2 ? i - 2 : 1 }))
          : log
      const parts = makeBundle({ asked, log: own, maker, stamped: own.records.length, cosigned: 1 })
      assert.deepEqual((await verifyBundle(await parts.blob(), trust)).problems, [])
      const note = Buffer.from(parts.files.get(`log/${LOG}/checkpoint`)!)
      const cosigned = note.indexOf('— witness')
      const cosignedEnd = note.indexOf('\n', cosigned)
      assert.ok(cosigned > 0)
      let turned = 0
      for (const [path, bytes] of parts.files) {
        if (FREE.test(path)) continue
        for (let at = turned % STEP; at < bytes.length; at += STEP) {
          turned++
          const bent = Uint8Array.from(bytes)
          bent[at]! ^= 1 << (at % 7)
          parts.files.set(path, bent)
          const verdict = await verifyBundle(new Blob([await parts.finish().zip({ level: 0 })]), trust)
          // Of a cosignature nobody brought the key of nobody can tell.
          const unknown = path.endsWith('/checkpoint') && at >= cosigned && at < cosignedEnd
          assert.ok(!verdict.ok || unknown, `${path} byte ${at} of ${bytes.length}: ${JSON.stringify(String.fromCharCode(bytes[at]!, bent[at]!))}`)
          parts.files.set(path, bytes)
        }
      }
      assert.ok(turned > 100, String(turned))
    })
})
