import type { ClassicLevel } from 'classic-level'

export type Level<B extends Uint8Array = Uint8Array> = ClassicLevel<B, B>

/** An iterator as far as it is needed here. */
export interface Source<Item> {
  nextv(size: number): Promise<Item[]>
  close(): Promise<void>
}

/** A folder as this thread knows it: its handles in the order they were opened, and whether they are let go for the moment. */
interface Place {
  readonly handles: Set<SharedLevel>
  released: Promise<void> | null
  resume: () => void
}

const PLACES = new Map<string, Place>()

function placeOf(location: string): Place {
  let place = PLACES.get(location)
  if (place === undefined) PLACES.set(location, (place = { handles: new Set(), released: null, resume: () => {} }))
  return place
}

/**
 * Lets go of every handle this thread has on the folder: what is under way ends, what comes waits for `resumeLevel`. LevelDB
 * closes with the last handle of the last thread; the one opened first must go last, since its cache serves them all.
 */
export async function releaseLevel(location: string): Promise<void> {
  const place = placeOf(location)
  place.released ??= new Promise((resolve) => {
    place.resume = resolve
  })
  for (const handle of [...place.handles].toReversed()) await handle.release()
}

/** Opens them again, the first one first. What cannot be opened is tried again when it is needed, and fails then. */
export async function resumeLevel(location: string): Promise<void> {
  const place = placeOf(location)
  if (place.released === null) return
  for (const handle of place.handles) await handle.reopen().catch(() => {})
  place.released = null
  place.resume()
}

/**
 * A LevelDB that several threads have open and that can be closed and opened anew while they go on: only then does LevelDB
 * write its list of files again, which until then names keys of every table there ever was.
 */
export class SharedLevel<B extends Uint8Array = Uint8Array> {
  readonly location: string
  readonly #place: Place
  readonly #open: () => Promise<Level<B>>
  #db: Level<B> | null = null
  #opening: Promise<void> | null = null
  #using = 0
  #idle: (() => void) | null = null
  #closed = false

  private constructor(location: string, open: () => Promise<Level<B>>) {
    this.location = location
    this.#place = placeOf(location)
    this.#open = open
  }

  /** @throws what `open` throws */
  static async open<B extends Uint8Array>(location: string, open: () => Promise<Level<B>>): Promise<SharedLevel<B>> {
    const handle = new SharedLevel(location, open)
    const { handles } = handle.#place
    while (handle.#place.released !== null) await handle.#place.released
    // Before it is open: whoever lets go waits for it.
    handles.add(handle as unknown as SharedLevel)
    try {
      await handle.reopen()
      return handle
    } catch (error) {
      handles.delete(handle as unknown as SharedLevel)
      throw error
    }
  }

  /** What is open right now, for calls that cannot wait; null while it is being opened anew. */
  get now(): Level<B> | null {
    return this.#db
  }

  /** Runs the work on the open database, which stays open until it ends; waits while it is opened anew. Not to be nested. */
  async use<T>(work: (db: Level<B>) => Promise<T> | T): Promise<T> {
    while (this.#db === null || this.#place.released !== null) {
      if (this.#closed) break
      if (this.#place.released !== null) await this.#place.released
      else await this.reopen()
    }
    if (this.#closed || this.#db === null) throw Object.assign(new Error('the database is closed'), { code: 'LEVEL_DATABASE_NOT_OPEN' })
    this.#using++
    try {
      return await work(this.#db)
    } finally {
      if (--this.#using === 0) this.#idle?.()
    }
  }

  /**
   * An iterator that survives: between its calls the database may have been opened anew, and it goes on behind the last item.
   * @param make an iterator over what lies behind `after` (null: from the beginning)
   */
  cursor<Item>(make: (db: Level<B>, after: B | null) => Source<Item>, keyOf: (item: Item) => B): Source<Item> {
    let source: Source<Item> | null = null
    let of: Level<B> | null = null
    let after: B | null = null
    return {
      nextv: (size) =>
        this.use(async (db) => {
          if (source === null || of !== db) {
            source = make(db, after)
            of = db
          }
          const items = await source.nextv(size)
          const last = items.at(-1)
          if (last !== undefined) after = keyOf(last)
          return items
        }),
      // Iterators of a database that was closed are closed with it.
      close: async () => {
        if (source !== null && of === this.#db) await source.close()
      },
    }
  }

  /** For `releaseLevel`. */
  async release(): Promise<void> {
    await this.#opening?.catch(() => {})
    await this.#quiet()
    const db = this.#db
    this.#db = null
    await db?.close()
  }

  /** Opens it where it is not open. */
  reopen(): Promise<void> {
    if (this.#db !== null || this.#closed) return Promise.resolve()
    this.#opening ??= this.#open()
      .then((db) => {
        this.#db = db
      })
      .finally(() => {
        this.#opening = null
      })
    return this.#opening
  }

  /** What is under way ends; later calls fail. */
  async close(): Promise<void> {
    this.#closed = true
    await this.release()
    this.#place.handles.delete(this as unknown as SharedLevel)
  }

  async #quiet(): Promise<void> {
    while (this.#using > 0) {
      await new Promise<void>((resolve) => {
        this.#idle = resolve
      })
      this.#idle = null
    }
  }
}
