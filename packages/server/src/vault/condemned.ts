import { Buffer } from 'node:buffer'
import { eachKeyId } from './row-keys.ts'
import type { VaultRow } from './vault.ts'

/** Keys that are about to be destroyed: in memory, for as long as the process lives. */
export class Condemned {
  readonly ids: Set<string> = new Set()

  add(ids: readonly string[]): void {
    for (const id of ids) this.ids.add(id)
  }

  /** Whether the row has a part under one of them. */
  holds({ value }: VaultRow): boolean {
    let found = false
    const whole = eachKeyId(value, (id) => {
      found ||= this.ids.has(id)
    })
    // A row nobody can read under which key it is: of such nothing is promised, so every byte is looked at.
    return found || (!whole && mentions(value, this.ids))
  }
}

/** Whether the bytes hold one of the ids anywhere. */
export function mentions(bytes: Uint8Array, ids: ReadonlySet<string>): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).latin1Slice()
  for (const id of ids) if (text.includes(id)) return true
  return false
}
