import type { CertificateBody } from '@sealtrail/evidence'

/** Certificates whose names are kept: one record that was erased under several is rare, and is asked for again. */
const KEPT = 4

/**
 * Which of several certificates names which value of a record. Where several people of one event were erased one after the
 * other, the vault cannot say any more which value was whose; the certificates can.
 */
export class CertificateNames {
  readonly #body: (id: string) => Promise<CertificateBody | null>
  readonly #kept = new Map<string, ReadonlyMap<string, readonly string[]>>()

  /** @param body null where there is none (yet) */
  constructor(body: (id: string) => Promise<CertificateBody | null>) {
    this.#body = body
  }

  /** Digest → certificate, for the values of a record that one of these names. */
  async of(certificates: readonly string[], auditid: string): Promise<Map<string, string>> {
    const names = new Map<string, string>()
    for (const id of certificates) for (const digest of (await this.#named(id)).get(auditid) ?? []) names.set(digest, id)
    return names
  }

  async #named(id: string): Promise<ReadonlyMap<string, readonly string[]>> {
    const known = this.#kept.get(id)
    if (known !== undefined) return known
    const body = await this.#body(id)
    if (body === null) return new Map()
    const named = new Map(body.records.map(({ auditid, fields }) => [auditid, fields.map(({ digest }) => digest)]))
    if (this.#kept.size >= KEPT) this.#kept.delete(this.#kept.keys().next().value as string)
    this.#kept.set(id, named)
    return named
  }
}
