// An erasure done by hand, in the order of the eraser, on a whole server: what hands certificates out needs nobody who makes them.
import { createHash } from 'node:crypto'
import { auditIdBytes, canonicalize, CERTIFICATE_FORMAT, completionData, erasureSubject, flatten, intentData } from '@sealtrail/evidence'
import type { CertificateBody, CertificateRecord, JsonObject, JsonValue, RecordFields } from '@sealtrail/evidence'
import { storeObject } from '../../src/store/objects.ts'
import type { ErasableVault } from '../../src/vault/erasable.ts'
import { decodeRow } from '../../src/vault/row.ts'
import type { World } from '../flow/harness.ts'

export interface ByHand {
  /** Stop behind the intent: it is running. */
  readonly running?: true
  /** Leave the intent out, or the object, or store another than is named. */
  readonly without?: 'intent' | 'object' | 'keys'
  readonly ground?: string
  /** Changes what is certified, before it is hashed. */
  readonly body?: (body: CertificateBody) => CertificateBody
}

/** What the certificate says of a record, from the server's answer about it. */
export async function recordErased(world: World, auditid: string): Promise<CertificateRecord> {
  const { body } = await world.get(`/api/v1/records/${auditid}`)
  const leaf = JSON.parse(String(body['leaf'])) as RecordFields
  const status = leaf.data['delivery_status']
  return {
    log: String(body['log']),
    index: Number(body['index']),
    auditid,
    hash: String(body['integrity_hash']),
    type: leaf.type,
    time: leaf.time ?? null,
    status: typeof status === 'string' ? status : null,
    fields: flatten(leaf.data, []).fields.map(({ path, digest }) => ({ path, digest })),
  }
}

/** Erases all values of these records. Resolves to the certificate's body. */
export async function eraseByHand(world: World, id: string, auditids: readonly string[], how: ByHand = {}): Promise<CertificateBody> {
  const { sealing } = world.local
  const seal = (what: string, data: JsonObject): Promise<void> =>
    sealing.sealed({ what, subject: erasureSubject(id), id: `${erasureSubject(id)}/${what}`, data: { ...data, erasure: id } })
  const asked = { by: 'officer.token', at: new Date().toISOString(), ground: how.ground ?? 'GDPR Art. 17(1)(b)', reference: 'DSR-7' }
  const records = await Promise.all(auditids.map((auditid) => recordErased(world, auditid)))
  if (how.without !== 'intent')
    await seal('erasure-started', intentData({ erasure: id, by: asked.by, approvedBy: null, ground: asked.ground, reference: asked.reference }))
  await world.local.indexed()
  const [intent] = await world.records('system', `&subject=${encodeURIComponent(erasureSubject(id))}`)
  const started = String(intent?.['time'] ?? new Date().toISOString())
  if (how.without !== 'keys') {
    const keys: Uint8Array[] = []
    for (const auditid of auditids)
      for (const row of await sealing.vault.rows(auditIdBytes(auditid)))
        keys.push(...(decodeRow(row.key, row.value)?.parts ?? []).map(({ keyId }) => Uint8Array.from(keyId)))
    await (sealing.vault as unknown as ErasableVault).destroyKeys(keys, Date.parse(started), id)
  }
  const body: CertificateBody = {
    format: CERTIFICATE_FORMAT,
    id,
    origin: world.local.served.deps.config.origin === '' ? 'system' : `${world.local.served.deps.config.origin}/system`,
    tenant: 'default',
    requested: asked,
    approved: null,
    started,
    completed: new Date().toISOString(),
    method: {
      name: 'cryptographic erase',
      reference: 'NIST SP 800-88 Rev. 2',
      keys: 'files',
      destroyed: { person: 1, interactions: 0 },
      removed: { aliases: 1, rows: records.length, tokens: 0, exports: 0 },
    },
    searched: { files: 1, bytes: 1, patterns: 1, found: [] },
    records: records.toSorted((a, b) => (a.log < b.log ? -1 : a.log > b.log ? 1 : a.index - b.index)),
    notReached: [{ what: 'memory', at: null, detail: 'until the server is started again' }],
  }
  const whole = how.body?.(body) ?? body
  if (how.running === true) return whole
  const bytes = Buffer.from(canonicalize(whole as unknown as JsonValue))
  const digest = createHash('sha256').update(bytes).digest('hex')
  if (how.without !== 'object') await storeObject(sealing.store, 'system', digest, bytes, { mode: 'COMPLIANCE', retainUntilMs: Date.now() + 366 * 86_400_000 })
  await seal('erasure', completionData({ erasure: id, certificate: `sha256:${digest}`, records: whole.records.length }))
  await world.local.indexed()
  return whole
}
