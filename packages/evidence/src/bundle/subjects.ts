import { sha256 } from '@sealtrail/tlog'
import { KeyTable } from '../key-table.ts'
import { problemOf } from '../problem.ts'
import type { Problem } from '../problem.ts'
import { encodeUtf8 } from '../text.ts'

/** How much of a subject the bundle must hold. `whole`: numbered from 1; `run`: without a gap; `some`: a search result may leave out any. */
export type Demand = 'whole' | 'run' | 'some'

/** Beside the last number: it had a gap before it, or began later than 1. */
const GAP = 0x8000_0000
const LATER = 0x4000_0000
const MOST = 0x3fff_ffff

/** Follows each subject's numbers, in 16 to 32 bytes a subject. They ascend with the index in every log. */
export class Subjects {
  count = 0
  gapless = 0
  fromLater = 0
  readonly #demand: Demand
  readonly #report: (problem: Problem) => void
  readonly #last = new KeyTable()
  readonly #auditids = new KeyTable()

  constructor(demand: Demand, report: (problem: Problem) => void) {
    this.#demand = demand
    this.#report = report
  }

  add(subject: string, number: number, auditid: string, index: number | null, at: string): void {
    const [low, high] = pair(auditid)
    if (this.#auditids.get(low, high) !== 0) this.#report(problemOf('AUDITID_REPEATED', at, index))
    else this.#auditids.set(low, high, 1)
    this.#number(pair(subject), Math.min(number, MOST - 1), index, at)
  }

  #number([low, high]: [number, number], number: number, index: number | null, at: string): void {
    const before = this.#last.get(low, high)
    const last = before & MOST
    if (before === 0) {
      this.count++
      if (number === 1) this.gapless++
      else if (this.#demand === 'whole') this.#report(problemOf('SEQUENCE_GAP', at, index, `begins with number ${number}`))
      else this.fromLater++
      this.#last.set(low, high, number === 1 ? number : (number | LATER) >>> 0)
    } else if (number === last + 1) {
      this.#last.set(low, high, before + 1)
    } else {
      if (this.#demand !== 'some' || number <= last) this.#report(problemOf('SEQUENCE_GAP', at, index, `number ${number} after ${last}`))
      if ((before & GAP) === 0) {
        if ((before & LATER) === 0) this.gapless--
        else if (this.#demand !== 'whole') this.fromLater--
      }
      this.#last.set(low, high, ((before & LATER) | GAP | Math.max(number, last)) >>> 0)
    }
  }
}

function pair(text: string): [number, number] {
  const digest = sha256(encodeUtf8(text))
  const bytes = new DataView(digest.buffer, digest.byteOffset, 8)
  return [bytes.getUint32(0), bytes.getUint32(4)]
}
