import { keyId, parseVkey, TYPE_ED25519 } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { Head, HeadStore } from '../head/head.ts'
import { crashPoint } from '../observe/crash-point.ts'
import { checkpointPath, signCheckpoint, writeCheckpoint } from '../seal/checkpoint.ts'
import type { HashFiles } from '../seal/tiles.ts'
import { withVersion } from '../store/pinned.ts'
import type { Store } from '../store/store.ts'
import { originOf, type KeptCheckpoint } from '../verify/policy.ts'
import { Announced, announcingFirst } from '../verify/announced.ts'
import { auditStoredLog } from '../verify/store.ts'
import { findLog, type FoundLog } from './log.ts'

export interface RecoverDeps {
  readonly data: string
  /** Read only. */
  readonly store: Store
  /** Null: there are none, and none are to be written. */
  readonly heads: HeadStore | null
  files(log: string): HashFiles
  /** The vkey of a log, or null when neither its keyring nor a key from elsewhere is at hand. */
  vkeyOf(log: string): string | null
  /** Raw public keys, from the keyring; null: none. */
  readonly segmentKeys: readonly Uint8Array[] | null
  /** The log keys that sign, from the keyring; none: it is not at hand. */
  readonly signers: ReadonlyArray<{ readonly publicKey: Uint8Array; sign(text: Uint8Array): Uint8Array }>
  /** Raw public keys of every log key there ever was, from the keyring. */
  readonly logPublicKeys: readonly Uint8Array[]
  readonly kept: readonly KeptCheckpoint[]
  readonly dryRun: boolean
  readonly onProgress: (log: string, done: number, total: number) => void
}

/** What became of a log. */
export interface Recovered {
  readonly log: string
  /** The head it has now, or would have. */
  readonly head: Head | null
  /** Null: it had a head before, and was left as it is. */
  readonly found: FoundLog | null
}

/** Recovers every log of the store that has no head, each by itself: one that must not go on keeps no other back. */
export async function recoverLogs(names: readonly string[], deps: RecoverDeps): Promise<Recovered[]> {
  const recovered: Recovered[] = []
  const announced = new Announced(deps.logPublicKeys)
  for (const log of announcingFirst(names)) {
    const head = deps.heads?.read(log) ?? null
    if (head === null) recovered.push(await recoverLog(log, deps, announced))
    else {
      recovered.push({ log, head, found: null })
      // Recovered by an earlier attempt: what it says has expired is still asked for.
      if (log === 'system' && names.some((name) => deps.heads?.read(name) === null)) await hear(log, deps, announced)
    }
  }
  return recovered.sort((a, b) => (a.log < b.log ? -1 : 1))
}

async function hear(log: string, { store, segmentKeys, vkeyOf, onProgress }: RecoverDeps, announced: Announced): Promise<void> {
  await auditStoredLog({ log, store, vkey: vkeyOf(log), segmentKeys, kept: [], ...announced.of(log), onProgress })
}

async function recoverLog(log: string, deps: RecoverDeps, announced: Announced): Promise<Recovered> {
  const { store, heads, dryRun, data } = deps
  const files = deps.files(log)
  try {
    // Left by an earlier attempt.
    files.truncate(0)
    const vkey = deps.vkeyOf(log)
    const kept = deps.kept.filter(({ note }) => originOf(note).endsWith(`/${log}`))
    const found = await findLog({ log, store, files, vkey, segmentKeys: deps.segmentKeys, kept, ...announced.of(log), onProgress: deps.onProgress })
    const { head } = found
    if (head === null || dryRun || heads === null) return { log, head, found }
    await files.sync()
    crashPoint('recover-store:files')
    // Dying here: hash files of a log without a head; made again.
    const note = signed(head, vkey, deps) ?? found.checkpoint
    if (note !== null) writeCheckpoint(checkpointPath(data, log), note)
    crashPoint('recover-store:checkpoint')
    // Dying here: a checkpoint of what the store has; the next attempt writes the same.
    if (!heads.swap(log, null, await withVersion(store, head))) throw new SealtrailError('HEAD_LOST', `another process made the head of ${log}`)
    crashPoint('recover-store:head')
    // Dying here: this log is whole; the next attempt leaves it and goes on with the others.
    if (note !== null) heads.saveCheckpoint(log, note)
    return { log, head, found }
  } finally {
    files.close()
  }
}

/** The checkpoint of the head, if the key that signs it is at hand. */
function signed(head: Head, vkey: string | null, { signers }: RecoverDeps): string | null {
  if (vkey === null || signers.length === 0) return null
  const { name } = parseVkey(vkey)
  return signCheckpoint(
    name,
    head,
    signers.map(({ publicKey, sign }) => ({ name, keyId: keyId(name, TYPE_ED25519, publicKey), sign })),
  )
}
