import type { Position } from '../event/position.ts'

/** Which journal files still hold entries that are not sealed: the low-water mark up to which the journal may go. */
export class Marks {
  readonly #outstanding = new Map<number, number>()

  add(position: Position): void {
    this.#outstanding.set(position.file, (this.#outstanding.get(position.file) ?? 0) + 1)
  }

  done(position: Position): void {
    const left = (this.#outstanding.get(position.file) ?? 0) - 1
    if (left > 0) this.#outstanding.set(position.file, left)
    else this.#outstanding.delete(position.file)
  }

  /** Start of the oldest file with an entry still needed; `end` when there is none. */
  low(end: Position): Position {
    let oldest = Infinity
    for (const file of this.#outstanding.keys()) if (file < oldest) oldest = file
    return oldest === Infinity || oldest >= end.file ? (this.#outstanding.size === 0 ? end : { file: end.file, offset: 0 }) : { file: oldest, offset: 0 }
  }
}
