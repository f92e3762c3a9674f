import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { canonicalize } from '@sealtrail/evidence'
import { replaceDurably, syncFolder, unwritable } from '../durable-file.ts'
import { SealtrailError } from '../errors.ts'
import type { JsonValue } from '../event/json.ts'
import type { KeyedHashes } from '../keys/keys.ts'
import type { PersonKeys } from '../vault/erasable.ts'

/** A vault row that an erasure empties. */
export interface WorkRow {
  /** audit id (16 bytes) ‖ first 8 bytes of the first disclosure's digest. */
  readonly key: Uint8Array
  /** Digests of the values that go, base64url; null: their part did not open, so what no other part opens was in it. */
  readonly digests: readonly string[] | null
  /** Search tokens that go, 16 bytes latin1. */
  readonly tokens: readonly string[]
}

/** Bytes that must not be found on disk afterwards. */
export interface Pattern {
  /** `token`, `wrapped key`, `ciphertext` …: as the certificate says it. */
  readonly what: string
  readonly bytes: Uint8Array
}

/** What is to be destroyed: written before the first of it goes, since nothing could tell afterwards. */
export interface ErasureWork {
  /** Keys of interactions that the person was a party of; 16 bytes latin1. */
  readonly interactions: readonly string[]
  /** Alias tokens of all the keys, 16 bytes latin1. */
  readonly tokens: readonly string[]
  readonly rows: readonly WorkRow[]
  readonly patterns: readonly Pattern[]
  /** Ids of exports whose files are removed here. */
  readonly exports: readonly string[]
}

/** `DIR/erasures/<id>.json`: who is meant, and once it runs what is to be done. */
export interface ErasureFile {
  /** 32 hex characters. */
  readonly id: string
  /** Until the eraser has it: the tokens of the names that were given, and the keys each led to then. People change while a request waits. */
  readonly asked?: ReadonlyArray<{ readonly token: string; readonly keyIds: readonly string[] }>
  readonly person: PersonKeys
  /** Null until it runs. */
  readonly work: ErasureWork | null
}

const FORMAT = 'sealtrail/erasure/1'
const NAME = /^([0-9a-f]{32})\.json$/

/** Where the work files of a data directory lie. */
export function erasuresFolder(data: string): string {
  return join(data, 'erasures')
}

/**
 * The work files of a data directory, mode 0600. The log must not say who an erasure is about, so this is the only place
 * that does, and it is gone once the completion is sealed. One line each: canonical JSON, a space, 32 hex of an HMAC over it.
 * attacker: who can write to the folder and has no keys would otherwise have somebody else erased, under a true certificate.
 */
export class ErasureFiles {
  readonly #folder: string
  readonly #origin: string
  readonly #keyed: Pick<KeyedHashes, 'tokens'>

  /**
   * @param origin of the `system` log: a file of another server would have keys destroyed here that it does not know
   * @param keyed what the files are authenticated with, under every token key: a request may wait for longer than one lasts
   */
  constructor(data: string, origin: string, keyed: Pick<KeyedHashes, 'tokens'>) {
    this.#folder = erasuresFolder(data)
    this.#origin = origin
    this.#keyed = keyed
  }

  /** Ids of all there are, also those that cannot be read. */
  list(): string[] {
    if (!existsSync(this.#folder)) return []
    return readdirSync(this.#folder).flatMap((name) => NAME.exec(name)?.[1] ?? [])
  }

  /** Null: there is none. @throws SealtrailError DATA_CORRUPT when it is cut, damaged, or of another erasure or server */
  read(id: string): ErasureFile | null {
    const path = this.#path(id)
    if (!existsSync(path)) return null
    const line = readFileSync(path, 'utf8')
    const text = line.slice(0, line.lastIndexOf(' '))
    if (!this.#linesOf(text).includes(line)) throw this.#corrupt(id, 'is cut, damaged or not of this server')
    const file = JSON.parse(text) as Written
    if (file.format !== FORMAT) throw this.#corrupt(id, 'has another format')
    if (file.id !== id || file.origin !== this.#origin) throw this.#corrupt(id, 'is of another erasure or another server')
    const asked = file.asked?.map(({ token, keyIds }) => ({ token: unhex(token), keyIds: keyIds.map(unhex) }))
    return {
      id,
      ...(asked === undefined ? {} : { asked }),
      person: { keyIds: file.person.keyIds.map(unhex), tokens: file.person.tokens.map(unhex) },
      work: file.work === null ? null : read(file.work),
    }
  }

  /** Durable when it returns: the file says either what it said or all of this. @throws SealtrailError DATA_UNWRITABLE */
  write({ id, asked, person, work }: ErasureFile): void {
    const written: Written = {
      ...(asked === undefined ? {} : { asked: asked.map(({ token, keyIds }) => ({ keyIds: keyIds.map(hex), token: hex(token) })) }),
      format: FORMAT,
      id,
      origin: this.#origin,
      person: { keyIds: person.keyIds.map(hex), tokens: person.tokens.map(hex) },
      work: work === null ? null : write(work),
    }
    replaceDurably(this.#path(id), this.#linesOf(canonicalize(written as unknown as JsonValue))[0] as string, 'the work file of an erasure')
  }

  /** That it is gone already is success; durable when it returns. @throws SealtrailError DATA_UNWRITABLE */
  remove(id: string): void {
    try {
      for (const path of [this.#path(id), `${this.#path(id)}.next`]) rmSync(path, { force: true })
      if (existsSync(this.#folder)) syncFolder(this.#folder)
    } catch (cause) {
      throw unwritable('the folder of erasures', cause)
    }
  }

  /** The line under the current key first. */
  #linesOf(text: string): string[] {
    return this.#keyed.tokens(`${FORMAT}\n${text}`).map((mac) => `${text} ${hex(mac)}\n`)
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`)
  }

  #corrupt(id: string, what: string): SealtrailError {
    return new SealtrailError('DATA_CORRUPT', `erasures/${id}.json ${what}: who is meant is not known; put back the file of this erasure, or ask for it again`)
  }
}

/** The work file of an erasure that needs it. @throws SealtrailError DATA_CORRUPT, also when it is gone: nobody is guessed */
export function fileOf(id: string, files: Pick<ErasureFiles, 'read'>): ErasureFile {
  const file = files.read(id)
  if (file !== null) return file
  throw new SealtrailError(
    'DATA_CORRUPT',
    `erasures/${id}.json is gone: who is meant is not known; put it back from a copy, or withdraw the erasure where it has not begun and ask again`,
  )
}

interface Written {
  readonly asked?: ReadonlyArray<{ readonly keyIds: readonly string[]; readonly token: string }>
  readonly format: string
  readonly id: string
  readonly origin: string
  readonly person: { readonly keyIds: readonly string[]; readonly tokens: readonly string[] }
  readonly work: WrittenWork | null
}

interface WrittenWork {
  readonly exports: readonly string[]
  readonly interactions: readonly string[]
  readonly patterns: ReadonlyArray<{ readonly bytes: string; readonly what: string }>
  readonly rows: ReadonlyArray<{ readonly digests: readonly string[] | null; readonly key: string; readonly tokens: readonly string[] }>
  readonly tokens: readonly string[]
}

function write({ interactions, tokens, rows, patterns, exports }: ErasureWork): WrittenWork {
  return {
    exports,
    interactions: interactions.map(hex),
    patterns: patterns.map(({ what, bytes }) => ({ bytes: Buffer.from(bytes).toString('hex'), what })),
    rows: rows.map((row) => ({ digests: row.digests, key: Buffer.from(row.key).toString('hex'), tokens: row.tokens.map(hex) })),
    tokens: tokens.map(hex),
  }
}

function read({ interactions, tokens, rows, patterns, exports }: WrittenWork): ErasureWork {
  return {
    interactions: interactions.map(unhex),
    tokens: tokens.map(unhex),
    rows: rows.map((row) => ({ key: Buffer.from(row.key, 'hex'), digests: row.digests, tokens: row.tokens.map(unhex) })),
    patterns: patterns.map(({ what, bytes }) => ({ what, bytes: Buffer.from(bytes, 'hex') })),
    exports,
  }
}

function hex(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('hex')
}

function unhex(text: string): string {
  return Buffer.from(text, 'hex').toString('latin1')
}
