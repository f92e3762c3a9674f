import { FLAG, NO_SESSION } from '../../src/event/entry.ts'
import type { Entry, Journalled } from '../../src/event/entry.ts'

let made = 0

/** An entry of the sequencing tests; only what sequencing reads matters. */
export function event(fields: Partial<Entry> & { name?: string } = {}): Entry {
  const { name, ...rest } = fields
  return {
    flags: FLAG.held,
    statusRank: 0,
    phase: 0,
    rank: 0,
    timeMs: 0,
    receivedMs: 0,
    identity: (name ?? `#${++made}`).padEnd(32, '.'),
    fingerprint: 'f'.repeat(16),
    subjectToken: 's'.repeat(16),
    session: NO_SESSION,
    vaultKey: null,
    log: 'interactions',
    subject: 'conversation',
    tokens: new Uint8Array(0),
    record: new Uint8Array(),
    lateAt: 0,
    sequenceAt: 0,
    ...rest,
  }
}

export const session = (name: string): string => name.padEnd(8, '.')
export const subject = (name: string): string => name.padEnd(16, '.')
export const named = (entry: { identity: string }): string => entry.identity.replace(/\.+$/, '')
export const at = (entry: Entry, offset = 0): Journalled => ({ entry, position: { file: 1, offset } })

export function* permutations<T>(items: readonly T[]): Generator<T[]> {
  if (items.length < 2) {
    yield [...items]
    return
  }
  for (let i = 0; i < items.length; i++) {
    for (const rest of permutations([...items.slice(0, i), ...items.slice(i + 1)])) yield [items[i] as T, ...rest]
  }
}
