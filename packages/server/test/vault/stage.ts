import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { openFileKeys } from '../../src/keys/files/keyring.ts'
import { noncePool, sealRow } from '../../src/vault/encrypt.ts'
import type { RowDraft } from '../../src/vault/encrypt.ts'
import { LevelVault } from '../../src/vault/level/vault.ts'
import type { LevelVaultOptions } from '../../src/vault/level/vault.ts'
import type { DataKey, VaultRow } from '../../src/vault/vault.ts'

export const CERTIFICATE: string = '0123456789abcdef'.repeat(2)

const root = mkdtempSync(join(tmpdir(), 'sealtrail-vault-'))
after(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
const nonce = noncePool(randomBytes)

/** A vault in a folder of its own, with its keyring. */
export interface Stage {
  readonly folder: string
  readonly vault: LevelVault
  reopen(): Promise<LevelVault>
}

export async function stage(more: Partial<LevelVaultOptions> = {}): Promise<Stage> {
  const place = join(root, String(folders++))
  const keys = openFileKeys({ folder: join(place, 'keys'), create: true, now: () => 1, random: randomBytes })
  const folder = join(place, 'vault')
  const open = (): Promise<LevelVault> => LevelVault.open(folder, { keys, now: () => 1, random: randomBytes, ...more })
  return { folder, vault: await open(), reopen: open }
}

/** 16 random bytes, latin1. */
export function randomToken(): string {
  return randomBytes(16).toString('latin1')
}

export function rowOf(
  owners: ReadonlyArray<{ readonly key: DataKey; readonly disclosures: readonly string[] }>,
  more: Partial<RowDraft & { readonly auditid: Uint8Array }> = {},
): VaultRow {
  return sealRow(
    {
      tenant: 't',
      trail: 'calls',
      fingerprint: randomToken(),
      tokens: [],
      owners,
      auditid: randomBytes(16),
      firstDigest: randomBytes(32).toString('base64url'),
      ...more,
    },
    nonce,
  )
}

export const auditidOf = ({ key }: VaultRow): Uint8Array => key.subarray(0, 16)

export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1')

/** As LevelDB prints a key in its log: other than printable ASCII as `\\xHH`. */
export function printed(bytes: Uint8Array): Buffer {
  return Buffer.from([...bytes].map((byte) => (byte >= 0x20 && byte <= 0x7e ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`)).join(''))
}

/** Which files of a folder hold any of the bytes. What is deleted meanwhile holds nothing. */
export function filesWith(folder: string, needles: readonly Uint8Array[]): string[] {
  return readdirSync(folder).filter((name) => {
    let bytes: Buffer
    try {
      bytes = readFileSync(join(folder, name))
    } catch {
      return false
    }
    return needles.some((needle) => bytes.includes(needle))
  })
}
