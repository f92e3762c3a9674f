import { ed25519Verify, equalBytes } from '@sealtrail/tlog'
import { disclosureDigest, openDisclosure } from '../commitment.ts'
import { ERASURE_ID } from '../erasure.ts'
import { EvidenceError } from '../errors.ts'
import { flatten } from '../flatten.ts'
import type { Field, FieldState } from '../flatten.ts'
import type { JsonObject } from '../json.ts'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { decodeBase64url, decodeUtf8, encodeUtf8 } from '../text.ts'
import { BundleBroken } from './broken.ts'
import type { BundleCertificates } from './certificates.ts'
import type { BundleField, BundleLog } from './format.ts'
import type { BundleFiles } from './files.ts'
import type { Lines } from './lines.ts'
import { FIELD_STATES } from './manifest.ts'
import { readShape, Shape } from './shape.ts'

const CLASS = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/

/** Signatures of SD-JWTs that are checked: their key comes from the bundle, so they add nothing to who signed. */
const SIGNATURES_CHECKED = 1_000

/** Lines that belong to some of the records, in their order. */
class Beside<T> {
  readonly #lines: Lines | null
  readonly #parse: (shape: Shape) => T
  readonly #report: (problem: Problem) => void
  #current: { index: number; value: T; place: string } | null = null
  #over = false

  constructor(lines: Lines | null, parse: (shape: Shape) => T, report: (problem: Problem) => void) {
    this.#lines = lines
    this.#parse = parse
    this.#report = report
  }

  /** The line of this record; null when there is none. Lines of records that are not in the bundle are reported. */
  async of(index: number): Promise<T | null> {
    for (;;) {
      const current = await this.#peek()
      if (current === null || current.index > index) return null
      this.#current = null
      if (current.index === index) return current.value
      this.#foreign(current)
    }
  }

  /** Reads on behind the last record: attacker: whatever is left, of any index, belongs to none. */
  async end(): Promise<void> {
    for (let left = await this.#peek(); left !== null; left = await this.#peek()) {
      this.#current = null
      this.#foreign(left)
    }
  }

  #foreign({ place, index }: { place: string; index: number }): void {
    this.#report(problemOf('FIELD_STATE', place, index, 'for a record that is not there'))
  }

  async #peek(): Promise<{ index: number; value: T; place: string } | null> {
    if (this.#current !== null || this.#over || this.#lines === null) return this.#current
    const line = await this.#lines.next()
    if (line === null) {
      this.#over = true
      return null
    }
    const { place } = this.#lines
    const shape = readShape(line, (detail) => new BundleBroken('BUNDLE_FILE_FORMAT', place, detail))
    return (this.#current = { index: shape.count('index'), value: this.#parse(shape), place })
  }
}

export interface ValuesDeps {
  readonly files: BundleFiles
  /** The wrapper key the bundle names, raw; null: none that can be read. */
  readonly key: Uint8Array | null
  readonly certificates: BundleCertificates
  readonly report: (problem: Problem) => void
}

/** Commitments, disclosures and SD-JWTs of one log's records, each held against the record itself. */
export class Values {
  readonly fields: Record<FieldState, number> = { disclosed: 0, sealed: 0, erased: 0, expired: 0, missing: 0 }
  /** Certificate id, `''` for none, to fields. attacker: the id may be the name of anything an object has. */
  readonly erasedUnder: Map<string, number> = new Map()
  matching = 0
  wrong = 0
  readonly #states: Beside<BundleField[]>
  readonly #disclosures: Beside<string[]>
  readonly #jwts: Lines | null
  readonly #jwtPath: string
  readonly #key: Uint8Array | null
  readonly #log: Pick<BundleLog, 'log' | 'origin'>
  readonly #certificates: BundleCertificates
  readonly #report: (problem: Problem) => void
  #jwtsSeen = 0
  #jwtsOver = false

  constructor({ log, origin }: Pick<BundleLog, 'log' | 'origin'>, { files, key, certificates, report }: ValuesDeps) {
    const [fields, disclosures, jwts] = [`log/${log}/fields.ndjson`, `disclosures/${log}.ndjson`, `disclosures/${log}.sd-jwt`]
    const lines = (path: string): Lines | null => (files.has(path) ? files.lines(path) : null)
    const counted = (problem: Problem): void => {
      if (problem.code.startsWith('DISCLOSURE')) this.wrong++
      report(problem)
    }
    this.#states = new Beside(lines(fields), fieldsOf, counted)
    this.#disclosures = new Beside(lines(disclosures), (shape) => shape.only('index', 'disclosures').texts('disclosures'), counted)
    this.#jwts = lines(jwts)
    this.#jwtPath = jwts
    this.#key = key
    this.#log = { log, origin }
    this.#certificates = certificates
    this.#report = counted
  }

  /**
   * @param whole the record's data with what did not fit it; null when that cannot be had. @param own the data within its bytes
   * @param index null when it is not known: then nothing beside it can be found
   * @param proven whether the record is what was sealed: what a forged record commits to matches nothing
   */
  async check(record: Uint8Array, whole: JsonObject | null, own: JsonObject | null, index: number | null, at: string, proven: boolean): Promise<void> {
    const jwt = this.#jwts === null || this.#jwtsOver ? null : await this.#jwts.next()
    if (this.#jwts !== null && jwt === null) {
      if (!this.#jwtsOver) this.#report(problemOf('SDJWT_MISMATCH', this.#jwtPath, index, 'there are fewer than records'))
      this.#jwtsOver = true
    }
    if (index === null || whole === null) return
    const given = (await this.#disclosures.of(index)) ?? []
    const committed = flatten(whole, []).fields
    const known = this.#disclosed(committed, given, index, proven)
    await this.#spokenOf(committed, known, record, index, at)
    if (jwt !== null) this.#jwt(record, own === whole ? given : disclosuresWithin(own, given), jwt, index)
  }

  async end(): Promise<void> {
    await this.#states.end()
    await this.#disclosures.end()
    if (this.#jwts !== null && !this.#jwtsOver && (await this.#jwts.next()) !== null)
      this.#report(problemOf('SDJWT_MISMATCH', this.#jwts.place, null, 'for a record that is not there'))
  }

  /** Digests of the disclosures that the record commits to. */
  #disclosed(fields: readonly Field[], given: readonly string[], index: number, proven: boolean): Set<string> {
    const committed = new Set(fields.map(({ digest }) => digest))
    const known = new Set<string>()
    for (const disclosure of given) {
      const digest = disclosureDigest(disclosure)
      try {
        openDisclosure(disclosure)
      } catch (error) {
        if (!(error instanceof EvidenceError)) throw error
        this.#report(problemOf('DISCLOSURE_FORMAT', this.#disclosurePlace(), index, error.message))
        continue
      }
      if (!committed.has(digest) || known.has(digest)) this.#report(problemOf('DISCLOSURE_FOREIGN', this.#disclosurePlace(), index))
      else {
        known.add(digest)
        if (proven) this.matching++
      }
    }
    return known
  }

  async #spokenOf(committed: readonly Field[], known: ReadonlySet<string>, record: Uint8Array, index: number, at: string): Promise<void> {
    const said = (await this.#states.of(index)) ?? []
    const same = said.length === committed.length && committed.every(({ path, digest }, i) => said[i]?.path === path && said[i].digest === digest)
    if (!same) this.#report(problemOf('FIELD_STATE', at, index, `${committed.length} commitments, ${said.length} spoken of`))
    const place = { ...this.#log, index, record }
    for (const { path, digest, state, certificate } of said) {
      this.fields[state]++
      if (state === 'erased') {
        this.erasedUnder.set(certificate ?? '', (this.erasedUnder.get(certificate ?? '') ?? 0) + 1)
        const fault = certificate === undefined ? null : this.#certificates.faultOf(certificate, place, path, digest)
        if (fault !== null) this.#report(problemOf('CERTIFICATE_MISMATCH', at, index, fault))
      } else if (state === 'disclosed' || state === 'sealed') {
        const id = this.#certificates.naming(place, path, digest)
        if (id !== null) this.#report(problemOf('FIELD_STATE', at, index, `a value that the certificate ${id} says is erased is said to be ${state}`))
      }
      if (state === 'disclosed' && !known.has(digest)) this.#report(problemOf('DISCLOSURE_MISSING', this.#disclosurePlace(), index))
      if (state !== 'disclosed' && known.has(digest)) this.#report(problemOf('FIELD_STATE', at, index, `a disclosed value is said to be ${state}`))
    }
  }

  /** `<header>.<payload>.<signature>~<disclosure>~…~`; the payload is the record with `_sd_alg` in front (RFC 9901 section 4.1.1). */
  #jwt(record: Uint8Array, given: readonly string[], line: Uint8Array, index: number): void {
    const at = (this.#jwts as Lines).place
    const mismatch = (detail: string): void => this.#report(problemOf('SDJWT_MISMATCH', at, index, detail))
    const text = decodeUtf8(line)
    const [jws, ...rest] = (text ?? '').split('~')
    const parts = (jws as string).split('.')
    if (text === null || parts.length !== 3 || rest.pop() !== '') return mismatch('not of the form of an SD-JWT')
    const [header, payload, signature] = parts.map((part) => decodeBase64url(part))
    if (!header || !payload || !signature) return mismatch('not base64url')
    if (!isWrapped(payload, record)) return mismatch('the payload is another record')
    if (rest.length !== given.length || rest.some((disclosure, i) => disclosure !== given[i])) return mismatch('the disclosures are others')
    const head = readHeader(header)
    if (head === null || head.alg !== 'EdDSA') return mismatch('signed with another algorithm than EdDSA')
    if (this.#key === null || this.#jwtsSeen++ >= SIGNATURES_CHECKED) return undefined
    if (!ed25519Verify(this.#key, encodeUtf8(`${parts[0]}.${parts[1]}`), signature)) this.#report(problemOf('SDJWT_SIGNATURE', at, index))
    return undefined
  }

  #disclosurePlace(): string {
    return this.#jwtPath.replace(/sd-jwt$/, 'ndjson')
  }
}

/** The disclosures that belong to commitments of this data, in their order: an SD-JWT holds no others. */
export function disclosuresWithin(data: JsonObject | null, disclosures: readonly string[]): string[] {
  const digests = new Set(data === null ? [] : flatten(data, []).fields.map(({ digest }) => digest))
  return disclosures.filter((disclosure) => digests.has(disclosureDigest(disclosure)))
}

const PREFIX = encodeUtf8('{"_sd_alg":"sha-256",')

/** The payload of the SD-JWT of a record: its bytes with one member more, which sorts first. */
export function wrapRecord(record: Uint8Array): Uint8Array {
  const payload = new Uint8Array(PREFIX.length + record.length - 1)
  payload.set(PREFIX)
  payload.set(record.subarray(1), PREFIX.length)
  return payload
}

function isWrapped(payload: Uint8Array, record: Uint8Array): boolean {
  return equalBytes(payload.subarray(0, PREFIX.length), PREFIX) && equalBytes(payload.subarray(PREFIX.length), record.subarray(1))
}

function readHeader(bytes: Uint8Array): { alg: string } | null {
  try {
    return { alg: readShape(bytes, (detail) => new BundleBroken('SDJWT_MISMATCH', '', detail)).text('alg') }
  } catch (error) {
    if (error instanceof BundleBroken) return null
    throw error
  }
}

function fieldsOf(shape: Shape): BundleField[] {
  shape.only('index', 'fields')
  const fail = (detail: string): BundleBroken => new BundleBroken('BUNDLE_FILE_FORMAT', 'fields.ndjson', detail)
  return shape.list('fields', (value) => {
    const field = new Shape(value, fail).only('path', 'digest', 'state', 'certificate', 'class', 'on')
    const state = FIELD_STATES.find((each) => each === field.text('state'))
    if (state === undefined) throw fail('a state this format does not have')
    return {
      path: field.text('path'),
      digest: field.matching('digest', /^[A-Za-z0-9_-]{43}$/),
      state,
      ...(state === 'erased' && field.has('certificate') ? { certificate: field.matching('certificate', ERASURE_ID) } : {}),
      ...(state === 'expired' && field.has('class') ? { class: field.matching('class', CLASS) } : {}),
      ...(field.has('on') ? { on: field.matching('on', TIME) } : {}),
    }
  })
}
