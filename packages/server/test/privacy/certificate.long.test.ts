// The certificate of a real erasure, from the request to the auditor's desk, and after the loss of everything but the store.
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execFileSync } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { parseCertificate, verifyBundle, verifyCertificate } from '@sealtrail/evidence'
import type { CertificateFile, JsonObject } from '@sealtrail/evidence'
import { run } from '@sealtrail/evidence/cli'
import { sealtrail } from '../cli/io.ts'
import { fetchExport } from '../export/fetched.ts'
import { World } from '../flow/harness.ts'
import { callEvent, GROUND, Policy, receipt } from './policy-world.ts'

describe('a call with two customers, erased one after the other', () => {
  let policy: Policy
  let vkey = ''
  const ids: string[] = []
  before(async () => {
    policy = await Policy.open()
    await policy.take(
      callEvent('call', { externalContactId: 'contact-ann', direction: 'INBOUND', ani: '+442079460816', remark: 'about a sofa', userId: 'agent-7' }),
      callEvent('call', { externalContactId: 'contact-ben', direction: 'INBOUND', ani: '+493023125982', userId: 'agent-7' }),
      receipt('m-1', 'contact-ann'),
      receipt('m-2', 'contact-cleo'),
    )
    vkey = policy.world.local.sealing.vkey('system')
    for (const name of ['ben', 'ann']) {
      const { status, body, text } = await policy.ask(`external-id:contact-${name}`)
      assert.deepEqual([status, body['state']], [200, 'completed'], text)
      ids.push(String(body['id']))
    }
  })
  after(() => policy.world.end())

  const certificateOf = async (world: World, id: string): Promise<CertificateFile> =>
    parseCertificate(Buffer.from((await world.get(`/api/v1/certificates/${id}`, 'auditor')).text))

  it('each has its certificate, established by the key of the log, with who asked and why', async () => {
    for (const id of ids) {
      const file = await certificateOf(policy.world, id)
      const { conclusion, problems } = verifyCertificate(file, { vkeys: [vkey] })
      assert.deepEqual([conclusion, problems], ['established', []])
      assert.deepEqual(
        [file.certificate.requested.by, file.certificate.requested.ground, file.certificate.requested.reference],
        ['officer.token', GROUND, 'ticket 7'],
      )
      assert.doesNotMatch(JSON.stringify(file), /contact-|sofa|442079460816/)
    }
  })

  it('the command line of an auditor says it in words; the server’s command says the same', async () => {
    const path = join(policy.world.folder, 'certificate.json')
    writeFileSync(path, (await policy.world.get(`/api/v1/certificates/${ids[1]}`)).text)
    let out = ''
    const io = { stdout: (text: string) => void (out += text), stderr: () => {}, cwd: policy.world.folder, terminal: false }
    assert.equal(await run([path, '--key', vkey], io), 0)
    assert.match(out, /^VERIFIED/)
    assert.match(out, /“officer.token” asked for it/)
    assert.match(out, /cryptographic erase/i)
    assert.equal(await run([path], io), 1)
    const ours = await sealtrail(['verify', path, '--key', vkey])
    assert.deepEqual([ours.exit, out.startsWith(ours.out)], [0, true])
    assert.match((await sealtrail(['verify', '--help'])).out, /CERTIFICATE\.json/)
  })

  it('the page says the same, in as many bytes each time', async () => {
    const { status, headers } = await policy.world.get(`/api/v1/certificates/${ids[0]}?format=pdf`, 'auditor')
    assert.deepEqual([status, headers.get('content-type')], [200, 'application/pdf'])
  })

  it('of one record each value is said to be erased under the certificate that names it', async () => {
    const [first] = await policy.records('call')
    const reasons = first!['field_reasons'] as Record<string, JsonObject>
    const under = (name: string): unknown => Object.entries(reasons).find(([path]) => path.endsWith(name))?.[1]['certificate']
    assert.deepEqual([under('remark'), under('externalContactId'), under('ani')], [ids[0], ids[1], ids[1]], JSON.stringify(reasons))
  })

  it('a bundle holds both, and every erased value is named by the one it says', async () => {
    for (const asked of [{ range: 'interactions:0..2' }, { subject: 'call' }]) {
      const bundle = await fetchExport(policy.world, asked)
      try {
        const verdict = await verifyBundle(new Blob([bundle.bytes]), { vkeys: [vkey, policy.world.local.sealing.vkey('interactions')] })
        assert.deepEqual(verdict.problems, [])
        assert.deepEqual(
          [verdict.conclusion, verdict.certificates.map(({ id, conclusion }) => [id, conclusion])],
          ['established', [...ids].sort().map((id) => [id, 'established'])],
        )
        assert.equal(verdict.questions.find(({ id }) => id === 'erased')?.answer, 'yes')
        const script = [
          ...bundle
            .unzip()
            .text('README.md')
            .matchAll(/```sh\n([^]*?)```/g),
        ]
          .map(([, block]) => block)
          .join('\n')
        const byHand = (): string => execFileSync('bash', ['-c', script], { cwd: bundle.folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
        assert.match(byHand(), /^certificates: done$/m)
        assert.doesNotMatch(byHand(), /is not what was sealed|does not name|not in this file/)
        const path = join(bundle.folder, `certificates/${ids[0]}.json`)
        writeFileSync(path, readFileSync(path, 'utf8').replaceAll('/remark', '/remarks'))
        assert.match(byHand(), /is not what was sealed[^]*does not name interactions 0 \S*remark /)
      } finally {
        bundle.end()
      }
    }
  })

  it('the command fetches it, as JSON or as a page, and writes over nothing', async () => {
    await policy.world.closeAndAudit()
    const at = (name: string): string => join(policy.world.folder, name)
    const fetched = (...more: string[]): ReturnType<typeof sealtrail> => sealtrail(['erase', 'certificate', ids[0]!, '--data', policy.world.data, ...more])
    assert.equal((await fetched('-o', at('c.json'))).exit, 0)
    assert.equal((await fetched('-o', at('c.pdf'), '--pdf')).exit, 0)
    assert.match(readFileSync(at('c.pdf'), 'latin1'), /^%PDF/)
    assert.equal(verifyCertificate(parseCertificate(readFileSync(at('c.json'))), { vkeys: [vkey] }).conclusion, 'established')
    assert.equal((await fetched('-o', at('c.pdf'))).exit, 2)
    const unknown = await sealtrail(['erase', 'certificate', 'f'.repeat(32), '--data', policy.world.data, '-o', at('d.json')])
    assert.match(unknown.err, /NOT_FOUND|no erasure of this id was completed/)
  })

  it('an audit finds nothing, and counts what was erased by certificate; of what only the store has, too', async () => {
    assert.deepEqual(await policy.world.closeAndAudit(), [])
    const { out, exit } = await sealtrail(['verify', policy.world.data, '--key', vkey])
    assert.equal(exit, 0, out)
    for (const id of ids) assert.match(out, new RegExp(`erased under ${id}`))
  })

  it('after the loss of the data directory the certificates are there again, from store and keys', async () => {
    const again = new World()
    try {
      mkdirSync(again.data, { recursive: true })
      cpSync(join(policy.world.data, 'store'), join(again.data, 'store'), { recursive: true })
      const { exit, out, err } = await sealtrail(['recover', '--data', again.data, '--keys', join(policy.world.data, 'keys')])
      assert.equal(exit, 0, out + err)
      await again.start('', { now: () => policy.nowMs })
      await again.local.indexed()
      for (const id of ids) assert.equal(verifyCertificate(await certificateOf(again, id), { vkeys: [vkey] }).conclusion, 'established')
    } finally {
      await again.end()
    }
  })
})
