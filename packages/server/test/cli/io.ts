import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../../src/cli/run.ts'
import type { Exit, Io } from '../../src/cli/command.ts'

export interface Ran {
  readonly exit: Exit
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly stdin?: string
  readonly env?: Record<string, string>
  readonly terminal?: boolean
  readonly stopping?: AbortSignal
  readonly cwd?: string
  readonly now?: () => number
  onOut?(text: string): void
}

/** Runs a command line in this process. */
export async function sealtrail(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  let out = ''
  let err = ''
  const io: Io = {
    stdout: (text) => {
      out += text
      options.onOut?.(text)
    },
    stderr: (text) => void (err += text),
    stdin: (async function* () {
      yield Buffer.from(options.stdin ?? '')
    })(),
    env: options.env ?? {},
    cwd: options.cwd ?? tmpdir(),
    now: options.now ?? Date.now,
    terminal: options.terminal ?? false,
    columns: 80,
    stopping: options.stopping ?? new AbortController().signal,
  }
  const exit = await run(args, io)
  return { exit, out, err }
}

export function scratch(): { readonly path: string; at(...names: string[]): string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'sealtrail-cli-'))
  return { path, at: (...names) => join(path, ...names), remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** A flat delivery receipt; `n` makes it another message. */
export function receipt(n: number, status = 'DELIVERED'): Record<string, unknown> {
  return {
    audit_id: `audit-${n}-${status}`,
    message_uuid: `0c11c0de-0000-4000-8000-${String(n).padStart(12, '0')}`,
    customer_external_id: `customer-${n}`,
    communication_type: 'SMS',
    delivery_status: status,
    carrier_receipt_timestamp: '2031-05-05T10:00:00Z',
    carrier_error_code: null,
    originating_workflow_id: 'flow-1',
    originating_agent_id: null,
    regulatory_tag: 'TCPA',
    platform_tenant_id: 'default',
    ingestion_timestamp: '2031-05-05T10:00:01Z',
  }
}
