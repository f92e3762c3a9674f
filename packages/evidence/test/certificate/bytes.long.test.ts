import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCertificate, verifyCertificate } from '@sealtrail/evidence'
import { world } from '../bundle/examiner.ts'
import { bytesOf, goodCertificate, recordsErased } from './maker.ts'

const { log } = world()
const trust = { vkeys: [log.house.system.vkey] }

test('every byte turned is found, or changes nothing that is said', () => {
  const bytes = bytesOf(goodCertificate(log.house, recordsErased(log.records.slice(0, 1))))
  const said = parseCertificate(bytes)
  for (let i = 0; i < bytes.length; i++) {
    const turned = Uint8Array.from(bytes)
    turned[i]! ^= 1
    let file
    try {
      file = parseCertificate(turned)
    } catch {
      continue
    }
    if (verifyCertificate(file, trust).problems.length > 0) continue
    // A cosignature nobody gave a key of, or white space.
    assert.deepEqual(file.certificate, said.certificate, `byte ${i}`)
    assert.equal(file.completed.record, said.completed.record, `byte ${i}`)
    assert.equal(file.started.record, said.started.record, `byte ${i}`)
  }
})
