import { readLog, readVarint } from './level-log.ts'

/** Tags of a version edit (leveldb db/version_edit.cc). */
const TAG = { comparator: 1, logNumber: 2, nextFile: 3, lastSequence: 4, compactPointer: 5, deletedFile: 6, newFile: 7, previousLog: 9 } as const

/**
 * The files a database consists of, by its manifest: tables not deleted again, and the write-ahead log from which a restart
 * reads; or what is damaged in the manifest. A torn end is damage: what it said of tables is lost, and LevelDB deletes
 * those that are not named.
 */
export function readManifest(bytes: Buffer): string[] | string {
  const state = { tables: new Set<number>(), log: 0 }
  let whole: Buffer[] = []
  let problem: string | null = null
  const { fault, end } = readLog(bytes, (type, data) => {
    whole.push(data)
    // 1: all of an edit; 2, 3, 4: its first, a middle and its last part.
    if (type !== 1 && type !== 4) return
    try {
      apply(Buffer.concat(whole), state)
    } catch {
      problem ??= 'an edit cannot be read'
    }
    whole = []
  })
  if (fault !== null || problem !== null) return fault ?? problem ?? ''
  if (end < bytes.length || end === 0 || whole.length > 0) return `cut off at ${end}`
  return [...state.tables].map((number) => name(number, 'ldb')).concat(state.log === 0 ? [] : [name(state.log, 'log')])
}

function name(number: number, kind: 'ldb' | 'log'): string {
  return `${String(number).padStart(6, '0')}.${kind}`
}

function apply(edit: Buffer, state: { readonly tables: Set<number>; log: number }): void {
  const reader = { bytes: edit, at: 0 }
  const number = (): number => readVarint(reader)
  const skip = (): void => {
    const length = number()
    reader.at += length
  }
  while (reader.at < edit.length) {
    const tag = number()
    if (tag === TAG.comparator) skip()
    else if (tag === TAG.logNumber) state.log = number()
    else if (tag === TAG.nextFile || tag === TAG.previousLog) number()
    // Of the last sequence only the length matters; it may be longer than a number here can be.
    else if (tag === TAG.lastSequence) while ((edit.readUInt8(reader.at++) & 0x80) !== 0);
    else if (tag === TAG.compactPointer) {
      number()
      skip()
    } else if (tag === TAG.deletedFile) {
      number()
      state.tables.delete(number())
    } else if (tag === TAG.newFile) {
      number()
      state.tables.add(number())
      number()
      skip()
      skip()
    } else throw new RangeError('an unknown tag')
  }
  if (reader.at !== edit.length) throw new RangeError('an edit that ends early')
}
