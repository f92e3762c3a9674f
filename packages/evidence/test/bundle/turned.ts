// One bundle of bytes.test.ts with bytes turned, in a thread of its own: the test runner follows every promise of its own thread,
// and these are millions. workerData: what is asked and the step; answers with how many were turned and those that went unnoticed.
import assert from 'node:assert/strict'
import { parentPort, workerData } from 'node:worker_threads'
import { verifyBundle } from '@sealtrail/evidence'
import type { BundleAsked } from '@sealtrail/evidence'
import { sampleFields } from '../sample.ts'
import { LOG, makeBundle, Maker, testLog } from './maker.ts'

const { asked, step } = workerData as { asked: BundleAsked; step: number }
const maker = new Maker()
const trust = { vkeys: [maker.signer.vkey], tsaRoots: [maker.root.der] }
/** These prove nothing, and say so: texts for people, hints; certificates enclosed with a token or beside it (tokens are turned in timestamp/damage.long.test.ts). */
const FREE = /^(README|CERTIFICATE-DRAFT)\.md$|^schemas\/|^keys\.json$|^manifest\.json$|chain\.pem$|token\.tst$/

const own =
  asked.kind === 'subject'
    ? testLog(5, (i) => ({ ...sampleFields(i), subject: i > 2 ? 'call-one' : `other-${i}`, subjectsequence: i > 2 ? i - 2 : 1 }))
    : testLog(300)
const parts = makeBundle({ asked, log: own, maker, stamped: own.records.length, cosigned: 1 })
assert.deepEqual((await verifyBundle(await parts.blob(), trust)).problems, [])
const note = Buffer.from(parts.files.get(`log/${LOG}/checkpoint`)!)
const cosigned = note.indexOf('— witness')
const cosignedEnd = note.indexOf('\n', cosigned)
assert.ok(cosigned > 0)
let turned = 0
const unnoticed: string[] = []
for (const [path, bytes] of parts.files) {
  if (FREE.test(path)) continue
  for (let at = turned % step; at < bytes.length; at += step) {
    turned++
    const bent = Uint8Array.from(bytes)
    bent[at]! ^= 1 << (at % 7)
    parts.files.set(path, bent)
    const verdict = await verifyBundle(new Blob([await parts.finish().zip({ level: 0 })]), trust)
    // Of a cosignature nobody brought the key of nobody can tell.
    const unknown = path.endsWith('/checkpoint') && at >= cosigned && at < cosignedEnd
    if (verdict.ok && !unknown) unnoticed.push(`${path} byte ${at} of ${bytes.length}: ${JSON.stringify(String.fromCharCode(bytes[at]!, bent[at]!))}`)
    parts.files.set(path, bytes)
  }
}
parentPort?.postMessage({ turned, unnoticed })
