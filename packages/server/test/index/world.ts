import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { auditId, auditIdBytes, commitmentOf, disclosureDigest, makeDisclosure, recordBytes } from '@sealtrail/evidence'
import type { JsonObject, JsonValue, RecordFields } from '@sealtrail/evidence'
import { ed25519Verifier, formatVkey, keyId, leafHash, TYPE_ED25519 } from '@sealtrail/tlog'
import { aliasTokens } from '../../src/event/alias.ts'
import type { Viewer } from '../../src/http/ports.ts'
import { Follower } from '../../src/index/follower.ts'
import { LevelIndex } from '../../src/index/level/index.ts'
import { LogReader } from '../../src/index/reader.ts'
import { trailReading } from '../../src/index/trails.ts'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import { loadPack } from '../../src/pack/load.ts'
import { signCheckpoint } from '../../src/seal/checkpoint.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { noncePool, sealRow } from '../../src/vault/encrypt.ts'
import { LevelVault } from '../../src/vault/level/vault.ts'
import { decodeRow } from '../../src/vault/row.ts'
import { MemoryRecords } from './memory.ts'

export const TENANT = 'default'
const ORIGIN = 'example.org/sealtrail'
const packs = (name: string) => [loadPack(new URL(`../../../../packs/${name}`, import.meta.url).pathname)]

/** A value to be committed under a person's key. */
export class Personal {
  readonly kind: string
  readonly value: string
  readonly owner: string
  constructor(kind: string, value: string, owner: string) {
    this.kind = kind
    this.value = value
    this.owner = owner
  }
}

export interface EventSample {
  readonly id: string
  readonly subject: string
  readonly type: string
  readonly timeMs: number
  readonly late?: boolean
  readonly tag?: string
  readonly data: { readonly [name: string]: JsonValue | Personal }
}

/** A small sealed world of real parts: keyring, vault, hash files, signed checkpoints, index, reader. Only the segments are kept in memory. */
export class World {
  readonly records = new MemoryRecords()
  readonly damage: string[] = []
  readonly folder: string
  readonly index: LevelIndex
  readonly vault: LevelVault
  readonly reader: LogReader
  readonly follower: Follower
  readonly #hashes = new Map<string, HashFiles>()
  readonly #notes = new Map<string, string>()
  readonly #sequences = new Map<string, number>()
  readonly #keys: ReturnType<typeof openFileKeys>
  readonly #nonce = noncePool(randomBytes)
  readonly #now: () => number

  static async open(now: () => number): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), 'sealtrail-reader-'))
    const keys = openFileKeys({ folder: join(folder, 'keys'), create: true, now, random: randomBytes })
    return new World(
      folder,
      now,
      keys,
      await LevelIndex.open(join(folder, 'index')),
      await LevelVault.open(join(folder, 'vault'), { keys, now, random: randomBytes }),
    )
  }

  private constructor(folder: string, now: () => number, keys: ReturnType<typeof openFileKeys>, index: LevelIndex, vault: LevelVault) {
    this.folder = folder
    this.#now = now
    this.#keys = keys
    this.index = index
    this.vault = vault
    const tokens = async (auditids: readonly string[]) =>
      Promise.all(
        auditids.map(async (auditid) =>
          auditid === '' ? [] : (await vault.rows(auditIdBytes(auditid))).flatMap((row) => decodeRow(row.key, row.value)?.tokens ?? []),
        ),
      )
    this.follower = new Follower({
      index,
      records: this.records,
      tokens,
      onFailure: (error) => {
        throw error
      },
    })
    this.reader = new LogReader({
      index,
      records: this.records,
      vault,
      tokens,
      hashes: keys,
      tenant: TENANT,
      trails: [trailReading('interactions', packs('genesys-interactions')), trailReading('notifications', packs('genesys-notifications'))],
      now,
      onIndexDamage: (log, at) => this.damage.push(`${log} ${at}`),
      proofs: {
        checkpoint: async (log) => this.#notes.get(log) ?? null,
        hashes: (log) => this.hashes(log),
        verifier: (log) => ed25519Verifier(this.vkey(log)),
        published: () => null,
        sleep: async () => {},
      },
      tail: { waitMs: 0, maxRecords: 1000 },
    })
  }

  hashes(log: string): HashFiles {
    let files = this.#hashes.get(log)
    if (files === undefined) this.#hashes.set(log, (files = HashFiles.open(join(this.folder, 'tiles', log))))
    return files
  }

  /** Seals an event: vault row, record, leaf, checkpoint. It is in the index once `follower.catchUp` has run. Returns its audit id. */
  async seal(log: string, event: EventSample): Promise<string> {
    const identity = this.#keys.name(`${TENANT}\n${log}\n${event.id}`)
    const auditid = auditId(event.timeMs, identity)
    const owners = new Map<string, { tokens: string[]; disclosures: string[] }>()
    const searchTokens: Array<{ kind: string; token: string }> = []
    const data: JsonObject = {}
    let firstDigest: string | null = null
    for (const [name, value] of Object.entries(event.data)) {
      if (!(value instanceof Personal)) {
        data[name] = value
        continue
      }
      const disclosure = makeDisclosure(randomBytes(16).toString('base64url'), value.value)
      const digest = disclosureDigest(disclosure)
      firstDigest ??= digest
      data[name] = commitmentOf(digest) as unknown as JsonValue
      const owner = owners.get(value.owner) ?? { tokens: [this.#keys.token(`owner ${value.owner}`)], disclosures: [] }
      owner.disclosures.push(disclosure)
      owners.set(value.owner, owner)
      searchTokens.push({ kind: value.kind, token: aliasTokens(this.#keys, TENANT, value.kind, value.value)[0] as string })
    }
    if (firstDigest !== null) {
      const list = [...owners.values()]
      const keys = await this.vault.keysFor(list.map((owner) => owner.tokens))
      const row = sealRow(
        {
          tenant: TENANT,
          trail: log,
          auditid: auditIdBytes(auditid),
          fingerprint: '\0'.repeat(16),
          firstDigest,
          tokens: searchTokens,
          owners: list.map((owner, i) => ({ key: keys[i] as (typeof keys)[number], disclosures: owner.disclosures })),
        },
        this.#nonce,
      )
      await this.vault.insert([row])
    }
    const sequence = (this.#sequences.get(`${log} ${event.subject}`) ?? 0) + 1
    this.#sequences.set(`${log} ${event.subject}`, sequence)
    const record: RecordFields = {
      auditid,
      data,
      dataschema: 'urn:sealtrail:schema:sample:1',
      id: event.id,
      late: event.late ?? false,
      provenance: 'pushed',
      recordedtime: new Date(this.#now()).toISOString(),
      regulatorytag: event.tag ?? null,
      source: 'urn:sample',
      subject: event.subject,
      subjectsequence: sequence,
      time: new Date(event.timeMs).toISOString(),
      type: event.type,
    }
    const bytes = recordBytes(record)
    this.records.add(log, bytes)
    this.hashes(log).append(leafHash(bytes))
    this.sign(log)
    return auditid
  }

  vkey(log: string): string {
    return formatVkey(`${ORIGIN}/${log}`, TYPE_ED25519, this.#keys.logPublicKey)
  }

  /** Signs the log as it stands. */
  sign(log: string): void {
    const hashes = this.hashes(log)
    const origin = `${ORIGIN}/${log}`
    const signer = { name: origin, keyId: keyId(origin, TYPE_ED25519, this.#keys.logPublicKey), sign: (message: Uint8Array) => this.#keys.signLog(message) }
    this.#notes.set(
      log,
      signCheckpoint(origin, { size: hashes.size, root: Buffer.from(hashes.rootAt(hashes.size)).toString('hex'), segment: '', digest: '' }, [signer]),
    )
  }

  replaceNote(log: string, change: (note: string) => string): void {
    this.#notes.set(log, change(this.#notes.get(log) as string))
  }

  /** Erases a person: tombstones in place of the keys. */
  async erase(owner: string): Promise<void> {
    const [key] = await this.vault.keysFor([[this.#keys.token(`owner ${owner}`)]])
    await this.vault.destroyKeys([(key as { id: Uint8Array }).id], this.#now(), 'c'.repeat(32))
  }

  /** Changes the bytes of a sealed record behind everybody's back. */
  change(log: string, at: number, change: (text: string) => string): void {
    const list = this.records.logsByName.get(log) as Uint8Array[]
    list[at] = Buffer.from(change(Buffer.from(list[at] as Uint8Array).toString()))
  }

  async close(): Promise<void> {
    await this.follower.close()
    await this.index.close()
    await this.vault.close()
    for (const files of this.#hashes.values()) files.close()
    await rm(this.folder, { recursive: true, force: true })
  }
}

export const auditor: Viewer = { name: 'anna', role: 'auditor', purpose: null }
export const officer: Viewer = { name: 'otto', role: 'officer', purpose: 'case-1' }
