// Messages on a whole server, some of whose values are erased by hand, and an audit of what the server leaves.
import { auditIdBytes } from '@sealtrail/evidence'
import { auditDirectory } from '../../src/config/open-audit.ts'
import type { ErasableVault } from '../../src/vault/erasable.ts'
import { decodeRow } from '../../src/vault/row.ts'
import type { VaultRow } from '../../src/vault/vault.ts'
import type { LogVerdict } from '../../src/verify/verdict.ts'
import { World } from '../flow/harness.ts'
import { eraseByHand } from './by-hand.ts'
import type { ByHand } from './by-hand.ts'

export const ID = 'a1'.repeat(16)

export class Erased {
  readonly world: World
  readonly auditids: string[] = []
  constructor(world: World) {
    this.world = world
  }

  static async open(messages: number, yaml = '', now?: () => number): Promise<Erased> {
    const erased = new Erased(await World.open(yaml, now === undefined ? {} : { now }))
    for (let n = 0; n < messages; n++) await erased.post(n)
    return erased
  }

  async post(n: number): Promise<void> {
    const { body } = await this.world.send('/api/v1/events', {
      message_uuid: `m-${n}`,
      delivery_status: 'DELIVERED',
      customer_external_id: `CUST-${n}`,
      agent_note: `note ${n}`,
    })
    this.auditids.push(String(body['auditid']))
    await this.world.flush()
  }

  get vault(): ErasableVault {
    return this.world.local.sealing.vault as unknown as ErasableVault
  }

  rows(n: number): Promise<VaultRow[]> {
    return this.world.local.sealing.vault.rows(auditIdBytes(this.auditids[n]!))
  }

  async keysOf(n: number): Promise<Uint8Array[]> {
    return (await this.rows(n)).flatMap((row) => decodeRow(row.key, row.value)!.parts.map(({ keyId }) => Uint8Array.from(keyId)))
  }

  erase(numbers: readonly number[], how: ByHand = {}, id = ID): ReturnType<typeof eraseByHand> {
    return eraseByHand(
      this.world,
      id,
      numbers.map((n) => this.auditids[n]!),
      how,
    )
  }

  /** Closes the server and audits what it leaves. */
  async audit(logs?: readonly string[]): Promise<{ problems: string[]; notes: string[]; of(log: string): LogVerdict }> {
    await this.world.closeAndAudit()
    const verdicts = await auditDirectory(this.world.data, { key: null, vault: true, now: Date.now, ...(logs === undefined ? {} : { logs }) })
    return {
      problems: verdicts.flatMap(({ log, problems }) => problems.map(({ code, index }) => `${log} ${code} ${index ?? '-'}`)),
      notes: verdicts.flatMap(({ notes }) => notes.map(({ object, message }) => `${object}: ${message}`)),
      of: (log) => verdicts.find((verdict) => verdict.log === log)!,
    }
  }
}
