import { baseOf } from '../certificate/system-key.ts'
import { parseCertificate } from '../certificate/read.ts'
import { verifyCertificate } from '../certificate/verify.ts'
import { EvidenceError } from '../errors.ts'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { integrityHash } from '../record.ts'
import { BundleBroken } from './broken.ts'
import type { BundleFiles } from './files.ts'
import type { BundleTrust, CertificateFinding } from './verdict.ts'

const FOLDER = 'certificates/'
/** All certificates of a bundle together: what they name is kept while the records are gone through. */
const MAX_BYTES = 256 * 2 ** 20

interface Named {
  readonly hash: string
  /** Path and digest of each value, joined. */
  readonly fields: ReadonlySet<string>
}

interface Held {
  readonly base: string
  readonly sound: boolean
  /** `<log> <index>` → what it names of it. */
  readonly records: ReadonlyMap<string, Named>
}

/** Where a value stands. */
export interface ValuePlace {
  readonly log: string
  /** Of the log. */
  readonly origin: string
  readonly index: number
  readonly record: Uint8Array
}

/** The erasure certificates a bundle holds, each checked by itself, and held against the values that are said to be erased under it. */
export class BundleCertificates {
  readonly findings: readonly CertificateFinding[]
  readonly #held: ReadonlyMap<string, Held>
  /** `<log> <index>` → certificates that name it. */
  readonly #naming = new Map<string, string[]>()

  constructor(findings: readonly CertificateFinding[], held: ReadonlyMap<string, Held>) {
    this.findings = findings
    this.#held = held
    for (const [id, { sound, records }] of held) {
      if (!sound) continue
      for (const place of records.keys()) {
        const ids = this.#naming.get(place)
        if (ids === undefined) this.#naming.set(place, [id])
        else ids.push(id)
      }
    }
  }

  /**
   * What is wrong with a value that is said to be erased under this certificate; null: nothing, or the certificate is not here.
   * attacker: a certificate that is genuine, of other values.
   */
  faultOf(id: string, { log, origin, index, record }: ValuePlace, path: string, digest: string): string | null {
    const held = this.#held.get(id)
    // One that does not hold is named once, by itself.
    if (held === undefined || !held.sound) return null
    if (held.base !== baseOf(origin)) return 'it is of another server'
    const named = held.records.get(`${log} ${index}`)
    if (named === undefined) return 'it does not name this record'
    if (named.hash !== integrityHash(record)) return 'it names another record at this place'
    return named.fields.has(fieldOf(path, digest)) ? null : 'it names the record and not this value'
  }

  /** The certificate that names a value, of those here; null: none. */
  naming({ log, origin, index }: Omit<ValuePlace, 'record'>, path: string, digest: string): string | null {
    const names = (id: string): boolean => {
      const { base, records } = this.#held.get(id) as Held
      return base === baseOf(origin) && records.get(`${log} ${index}`)?.fields.has(fieldOf(path, digest)) === true
    }
    return this.#naming.get(`${log} ${index}`)?.find(names) ?? null
  }
}

/** Reads and checks all of them. attacker: every byte. @throws TlogError for trust that cannot be read */
export async function readCertificates(files: BundleFiles, trust: BundleTrust, report: (problem: Problem) => void): Promise<BundleCertificates> {
  const findings: CertificateFinding[] = []
  const held = new Map<string, Held>()
  let left = MAX_BYTES
  for (const path of files.within(FOLDER)) {
    const id = path.slice(FOLDER.length, -'.json'.length)
    try {
      const bytes = await files.whole(path, left)
      left -= bytes.length
      const file = parseCertificate(bytes)
      const { certificate: body } = file
      if (body.id !== id) throw new BundleBroken('CERTIFICATE_FORMAT', path, 'the file is named after another one')
      const { problems, conclusion, sha256, signer } = verifyCertificate(file, trust)
      for (const { code, index, message } of problems) report({ code, object: path, index, message })
      findings.push({ id, completed: body.completed, ground: body.requested.ground, conclusion, sha256, signer: signer.key })
      held.set(id, {
        base: baseOf(body.origin),
        sound: conclusion !== 'broken',
        records: new Map(body.records.map((each) => [`${each.log} ${each.index}`, namedBy(each)])),
      })
    } catch (error) {
      if (error instanceof BundleBroken) report(problemOf(error.code, error.object, error.index, error.detail))
      else if (error instanceof EvidenceError) report(problemOf('CERTIFICATE_FORMAT', path, null, error.message))
      else throw error
      held.set(id, { base: '', sound: false, records: new Map() })
    }
  }
  return new BundleCertificates(findings, held)
}

function namedBy({ hash, fields }: { hash: string; fields: ReadonlyArray<{ path: string; digest: string }> }): Named {
  return { hash, fields: new Set(fields.map(({ path, digest }) => fieldOf(path, digest))) }
}

function fieldOf(path: string, digest: string): string {
  return `${digest} ${path}`
}
