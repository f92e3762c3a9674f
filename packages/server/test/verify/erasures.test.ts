// What `verify` says of erased values: those that a sealed certificate names are as they should be, and nothing else is.
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { auditIdBytes, canonicalize } from '@sealtrail/evidence'
import type { JsonValue } from '@sealtrail/evidence'
import { house as evidenceHouse } from '../../../evidence/test/bundle/sample-log.ts'
import { certificateDraft, digestOf, sampleBody, sealCertificate } from '../../../evidence/test/certificate/maker.ts'
import type { CertificateDraft } from '../../../evidence/test/certificate/maker.ts'
import { SealedErasures } from '../../src/verify/erasures.ts'
import { auditStore } from '../../src/verify/store.ts'
import { FileStore } from '../../src/store/files/store.ts'
import { objectKey } from '../../src/store/objects.ts'
import { Erased, ID } from '../privacy/erased.ts'

/** What is found of three messages, the first of which was treated so. */
async function found(treat: (erased: Erased) => Promise<unknown>): Promise<string[]> {
  const erased = await Erased.open(3)
  try {
    await treat(erased)
    return (await erased.audit()).problems
  } finally {
    await erased.world.end()
  }
}

describe('erased values before an audit', () => {
  it('under a sound certificate they are no problem, and counted by it, whichever logs are asked for', async () => {
    const erased = await Erased.open(3)
    try {
      await erased.erase([0])
      await erased.erase([1], {}, 'b2'.repeat(16))
      for (const logs of [undefined, ['notifications']]) {
        const { problems, of } = await erased.audit(logs)
        assert.deepEqual(problems, [])
        const { disclosed, erased: gone, missing, erasedUnder } = of('notifications').commitments!
        assert.deepEqual(
          [disclosed, gone, missing, [...erasedUnder].sort()],
          [
            1,
            2,
            0,
            [
              [ID, 1],
              ['b2'.repeat(16), 1],
            ],
          ],
        )
      }
    } finally {
      await erased.world.end()
    }
  })

  it('of an erasure that has begun they are none either, and that it is not complete is noted', async () => {
    const erased = await Erased.open(2)
    try {
      await erased.erase([0], { running: true })
      const { problems, notes } = await erased.audit()
      assert.deepEqual(problems, [])
      assert.ok(
        notes.some((note) => note.startsWith(`erasure/${ID}: it has begun`)),
        notes.join('\n'),
      )
    } finally {
      await erased.world.end()
    }
  })

  it('a key destroyed without a sealed erasure', async () => {
    assert.deepEqual(await found(async (erased) => erased.vault.destroyKeys(await erased.keysOf(0), 1, ID)), ['notifications ERASURE_UNSEALED 0'])
  })

  it('a row emptied while its key lives', async () => {
    const harm = async (erased: Erased): Promise<void> => {
      const keyIds = new Set((await erased.keysOf(0)).map((id) => Buffer.from(id).toString('latin1')))
      await erased.vault.redact(
        (await erased.rows(0)).map(({ key }) => key),
        keyIds,
      )
    }
    assert.deepEqual(await found(harm), ['notifications ERASURE_PART_LIVE 0'])
  })

  it('a certificate names a value that still opens', async () => {
    assert.deepEqual(await found((erased) => erased.erase([0], { without: 'keys' })), ['notifications ERASURE_UNDONE 0'])
  })

  it('a certificate does not name the value that went under it', async () => {
    assert.deepEqual(await found((erased) => erased.erase([0], { body: (body) => ({ ...body, records: [] }) })), ['notifications CERTIFICATE_MISMATCH 0'])
  })

  it('the certificate was never stored, is of another erasure, names others than were counted, or has no intent', async () => {
    assert.deepEqual(await found((erased) => erased.erase([0], { without: 'object' })), ['system CERTIFICATE_MISSING -'])
    assert.deepEqual(await found((erased) => erased.erase([0], { body: (body) => ({ ...body, id: 'c3'.repeat(16) }) })), ['system CERTIFICATE_UNFIT -'])
    assert.deepEqual(await found((erased) => erased.erase([0], { body: (body) => ({ ...body, requested: { ...body.requested, ground: 'another' } }) })), [
      'system CERTIFICATE_UNFIT -',
    ])
    assert.deepEqual(await found((erased) => erased.erase([0], { without: 'intent' })), ['system CERTIFICATE_UNFIT -'])
  })

  it('the stored certificate is gone, or has other bytes', async () => {
    for (const code of ['CERTIFICATE_MISSING', 'CERTIFICATE_UNFIT']) {
      const erased = await Erased.open(1)
      try {
        await erased.erase([0])
        const [completion] = await erased.world.system('erasure')
        await erased.world.closeAndAudit()
        const key = objectKey('system', String(completion!['certificate']).slice('sha256:'.length))
        const path = join(erased.world.data, 'store', key)
        if (code === 'CERTIFICATE_MISSING') for (const name of [path, `${path}.lock`]) rmSync(name)
        else {
          chmodSync(path, 0o600)
          writeFileSync(path, readFileSync(path, 'utf8').replace('DSR-7', 'DSR-8'))
        }
        const { problems } = await erased.audit()
        // The store alone says the same.
        const store = await FileStore.open(join(erased.world.data, 'store'), { readOnly: true })
        const alone = (await auditStore({ store, key: null, kept: [] })).flatMap(({ log, problems: found }) => found.map((each) => `${log} ${each.code} -`))
        await store.close()
        assert.deepEqual(
          alone.filter((each) => each.startsWith('system CERTIFICATE')),
          problems.filter((each) => each.startsWith('system CERTIFICATE')),
        )
        assert.ok(
          problems.some(
            (problem) => problem.startsWith(`system ${code}`) || (code === 'CERTIFICATE_UNFIT' && problem.startsWith('system CERTIFICATE_MISSING')),
          ),
          problems.join('\n'),
        )
      } finally {
        await erased.world.end()
      }
    }
  })

  it('a row that went as a whole is erased where a certificate names all of it, and missing where none does', async () => {
    const harm = async (erased: Erased, n: number): Promise<void> => void (await erased.world.local.sealing.vault.expire([auditIdBytes(erased.auditids[n]!)]))
    const both = await found(async (erased) => {
      await erased.erase([0])
      await harm(erased, 0)
      await harm(erased, 1)
    })
    assert.deepEqual(both, ['notifications VAULT_ROW_MISSING 1'])
  })
})

describe('certificates before the log that names them', () => {
  const house = evidenceHouse('audit.example/interactions', 5)
  const body = sampleBody(house, [])
  const draft = certificateDraft(house, body)
  /** What an audit of `system` finds with these statements sealed, and this object stored. */
  async function faults(change: (made: CertificateDraft) => void, stored: (bytes: Buffer) => Buffer | null = (bytes) => bytes): Promise<string[]> {
    const made = structuredClone({ ...draft, house: null }) as unknown as CertificateDraft
    made.house = house
    change(made)
    const { started, completed } = sealCertificate(made)
    const erasures = new SealedErasures()
    erasures.take(Buffer.from(`{}\n${started.record}\n${completed.record}\n{}\n`))
    const { problems } = await erasures.check({ get: async () => stored(Buffer.from(canonicalize(made.body as unknown as JsonValue))) })
    return problems.map(({ code, message }) => `${code} ${/: ([^)]*)\)$/.exec(message)?.[1] ?? ''}`)
  }

  it('a good one is none', async () => assert.deepEqual(await faults(() => {}), []))

  it('other bytes under its name, though they read as a certificate of the same erasure', async () => {
    const changed = (bytes: Buffer): Buffer => Buffer.from(bytes.toString().replace('"tenant":"default"', '"tenant":"another"'))
    assert.deepEqual(await faults(() => {}, changed), ['CERTIFICATE_UNFIT the store has other bytes under its name'])
  })

  it('a completion that counts other records, an intent of another time, nothing stored, no certificate', async () => {
    assert.deepEqual(await faults((made) => (made.completion.data = { ...made.completion.data, records: 7 })), [
      'CERTIFICATE_UNFIT the completion counts other records',
    ])
    assert.deepEqual(await faults((made) => (made.intent.time = '2026-01-01T00:00:00.000Z')), ['CERTIFICATE_UNFIT the intent says something else'])
    assert.deepEqual(
      await faults(
        () => {},
        () => null,
      ),
      ['CERTIFICATE_MISSING '],
    )
    const none = (made: CertificateDraft): void => {
      made.body = {} as CertificateDraft['body']
      made.completion.data = { ...made.completion.data, certificate: digestOf(made.body) }
    }
    assert.match((await faults(none))[0] ?? '', /^CERTIFICATE_UNFIT /)
  })
})
