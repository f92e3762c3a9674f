import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { TlogError, ed25519Verifier } from '@sealtrail/tlog'
import type { Verifier } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import { openWitnessKey } from './key.ts'
import { WitnessState } from './state.ts'
import { WitnessService } from './witness.ts'

export interface WitnessOptions {
  /** Directory of key, state and evidence. */
  readonly data: string
  readonly name: string | null
  /** vkeys of the logs that are cosigned; several of one origin are several keys of it. */
  readonly logs: readonly string[]
  readonly now: () => number
  random(bytes: number): Uint8Array
  readonly log: Log
}

export interface OpenWitness {
  readonly name: string
  readonly vkey: string
  readonly service: WitnessService
  readonly origins: readonly string[]
  close(): void
}

/** Notes kept as evidence; a log that misbehaves on purpose must not fill the disk. */
const MAX_EVIDENCE = 1_000

/** Opens a witness's directory. @throws SealtrailError USAGE, DATA_IN_USE, DATA_CORRUPT, DATA_UNWRITABLE, KEY_PERMISSIONS */
export function openWitness({ data, name, logs, now, random, log }: WitnessOptions): OpenWitness {
  const keys = logKeys(logs)
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new SealtrailError('DATA_UNWRITABLE', `the directory cannot be made (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
  const statePath = join(data, 'witness.sqlite')
  const keyPath = join(data, 'witness.key')
  if (existsSync(statePath) && !existsSync(keyPath)) throw new SealtrailError('DATA_CORRUPT', 'there is a state and no key; restore witness.key')
  const key = openWitnessKey({ path: keyPath, name, random })
  for (const origin of keys.keys()) {
    for (const { publicKey } of keys.get(origin) ?? []) {
      if (key.vkey.endsWith(Buffer.from([4, ...publicKey]).toString('base64')))
        throw new SealtrailError('USAGE', 'the witness has the key of a log it is to watch')
    }
  }
  const state = WitnessState.open(statePath, key.vkey)
  const service = new WitnessService({
    key,
    state,
    logs: keys,
    now,
    log,
    keepEvidence: (origin, note) => keepEvidence(join(data, 'evidence'), origin, note, log),
  })
  return { name: key.name, vkey: key.vkey, service, origins: [...keys.keys()], close: () => state.close() }
}

/** @throws SealtrailError USAGE */
function logKeys(vkeys: readonly string[]): Map<string, Verifier[]> {
  const keys = new Map<string, Verifier[]>()
  for (const vkey of vkeys) {
    try {
      const verifier = ed25519Verifier(vkey)
      const known = keys.get(verifier.name) ?? []
      if (known.some(({ keyId }) => keyId === verifier.keyId)) continue
      keys.set(verifier.name, [...known, verifier])
    } catch (cause) {
      const why = cause instanceof TlogError ? cause.message : 'malformed'
      throw new SealtrailError('USAGE', `this is no verification key of a log (type 0x01): ${vkey.slice(0, 80)}: ${why}`, { cause })
    }
  }
  if (keys.size === 0) throw new SealtrailError('USAGE', 'a witness needs at least one log: --log VKEY or --logs FILE')
  return keys
}

function keepEvidence(folder: string, origin: string, note: string, log: Log): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const digest = createHash('sha256').update(note).digest('hex').slice(0, 32)
    const path = join(folder, `${createHash('sha256').update(origin).digest('hex').slice(0, 16)}-${digest}.checkpoint`)
    if (!existsSync(path) && readdirSync(folder).length < MAX_EVIDENCE) writeFileSync(path, note, { mode: 0o600, flush: true })
  } catch (error) {
    log.error('evidence could not be kept', { code: (error as NodeJS.ErrnoException).code })
  }
}
