import { decodeEntry } from '../event/entry.ts'
import type { Entry } from '../event/entry.ts'
import type { Position } from '../event/position.ts'
import type { Journal } from '../journal/journal.ts'
import type { Marks } from '../journal/marks.ts'

/** What was accepted and is not sealed yet, and the files that hold it. */
export interface AcceptedEvents {
  /** Entries of the journal, those sealed lately as well. */
  entries(): AsyncIterable<Entry>
  /** Has the journal go on in a new file; what was accepted before is in files below the number. @throws SealtrailError DATA_UNWRITABLE */
  turn(): Promise<number>
  /** Deletes files of which all is sealed and in the ledger; the number of the oldest that stays. */
  oldest(): Promise<number>
}

const ATTEMPTS = 10

/** @param end nothing from here on may leave the journal, sealed or not */
export function acceptedEvents(journal: Journal, marks: Marks, end: () => Position): AcceptedEvents {
  return {
    async *entries() {
      // Appends under way are in the files then.
      await journal.append([])
      for (let attempt = 1; ; attempt++)
        try {
          for await (const { entry } of journal.replay()) yield decodeEntry(Buffer.from(entry))
          return
        } catch (error) {
          // A file of which all is sealed went while the others were read: from the beginning, as whoever asks may hear of one twice.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt === ATTEMPTS) throw error
        }
    },
    turn: () => journal.rotate(),
    async oldest() {
      await journal.release(marks.low(end()))
      return journal.oldest
    },
  }
}
