import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { crashPoint } from '../observe/crash-point.ts'
import type { Fold } from '../retain/fold.ts'
import type { PersonAlias } from '../event/person-alias.ts'
import type { PersonKeys } from '../vault/erasable.ts'
import type { AffectedRecord, Eraser } from './eraser.ts'
import type { ErasureBlock, ErasureDesk, ErasurePlan, ErasureState, ErasureView } from './erasure.ts'
import type { ErasureKeeper } from './erasure-keeper.ts'
import { ERASURE_RECORDS, isOpen, stateOf } from './erasures.ts'
import type { Erasure, Erasures } from './erasures.ts'
import { lookUp } from './people.ts'
import type { Asked, People } from './people.ts'
import { planOf } from './plan.ts'
import { fileOf } from './work-file.ts'
import type { ErasureFiles } from './work-file.ts'

export interface ErasureDeskDeps {
  readonly erasures: Erasures
  readonly fold: Pick<Fold, 'catchUp'>
  readonly files: ErasureFiles
  readonly people: People
  readonly eraser: Pick<Eraser, 'find'>
  readonly keeper: ErasureKeeper
  blocks(records: readonly AffectedRecord[]): ErasureBlock[]
  /** Bundles ever made that hold one of the records, oldest first. */
  exportsOf(records: readonly AffectedRecord[]): Promise<ErasurePlan['exports']>
  trailOf(log: string): string
  /** Seals in the system log; resolves when it is sealed. */
  seal(event: { readonly what: string; readonly subject: string; readonly id: string; readonly data: JsonObject }): Promise<void>
  /** One after the other, and never beside the placing of a hold. */
  alone<T>(work: () => Promise<T>): Promise<T>
  /** Null: one person is enough; else how long a second one has. */
  readonly approveWithinMs: number | null
  readonly answerWithinMs: number
  readonly now: () => number
  /** 32 hex characters. */
  newId(): string
}

/** What is wrong with the file that says who is meant, or null. While it runs the file is large, and its reader says so. */
export function fileTrouble(id: string, state: ErasureState, files: Pick<ErasureFiles, 'read'>): string | null {
  if (state === 'running') return null
  try {
    fileOf(id, files)
    return null
  } catch (error) {
    return error instanceof SealtrailError ? `${error.code}: ${error.message}` : 'DATA_CORRUPT: the file that says who is meant cannot be read'
  }
}

/** Where erasures are asked for, approved and withdrawn. Nothing counts before it is sealed; the keeper does what is approved. */
export function erasureDesk(deps: ErasureDeskDeps): ErasureDesk {
  const { erasures, fold, files, people, keeper, alone, now } = deps

  async function seal(id: string, what: keyof typeof ERASURE_RECORDS, data: JsonObject): Promise<void> {
    await deps.seal({ what: ERASURE_RECORDS[what], subject: `erasure/${id}`, id: `erasure/${id}/${what}`, data: { ...data, erasure: id } })
    await fold.catchUp()
  }

  async function known(person: readonly PersonAlias[]): Promise<{ asked: Asked; person: PersonKeys }> {
    const found = await lookUp(people.tokensOf(person), people)
    if (found.person.keyIds.length === 0) throw new SealtrailError('NOT_FOUND', 'nobody is known by this name; nothing is held under it')
    return found
  }

  /** One person is erased once at a time. What cannot be read cannot be compared: it is an alarm of its own. */
  function assertNew({ keyIds }: PersonKeys): void {
    for (const { id, requested } of erasures.open(now())) {
      let meant: PersonKeys
      try {
        meant = fileOf(id, files).person
      } catch {
        continue
      }
      if (meant.keyIds.some((key) => keyIds.includes(key))) throw new SealtrailError('ERASURE_EXISTS', `asked for by ${requested.by} on ${requested.at}: ${id}`)
    }
  }

  function standing(id: string): Erasure {
    const erasure = erasures.get(id)
    if (erasure === null) throw new SealtrailError('NOT_FOUND', 'there is no erasure of this id')
    return erasure
  }

  /** Why nothing can be done with an erasure that is over. */
  function over({ expires, withdrawn, completed }: Erasure): SealtrailError {
    const why =
      completed !== null
        ? `the erasure was completed on ${completed}`
        : withdrawn !== null
          ? `the erasure was withdrawn on ${withdrawn.at}`
          : `the request expired on ${expires ?? ''}; ask again`
    return new SealtrailError('NOT_FOUND', why)
  }

  /** Erasing may take longer than anybody waits: then it goes on by itself. */
  async function done(id: string): Promise<ErasureView> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, deps.answerWithinMs)))
    keeper.look(id)
    await Promise.race([keeper.idle(), late])
    clearTimeout(timer)
    return view(standing(id))
  }

  function view(erasure: Erasure): ErasureView {
    const { id, deferred, ...rest } = erasure
    const state = stateOf(erasure, now())
    const { blocks, progress, problem } = keeper.of(id)
    const trouble = isOpen(state) ? (problem ?? fileTrouble(id, state, files)) : null
    return {
      id,
      state,
      ...rest,
      blocks: state === 'deferred' ? (blocks ?? deferred?.blocks ?? []) : [],
      progress: state === 'running' ? progress : null,
      problem: trouble,
    }
  }

  return {
    async plan({ person }) {
      await fold.catchUp()
      const meant = (await known(person)).person
      const found = await deps.eraser.find(meant)
      const exports = await deps.exportsOf(found.records)
      await fold.catchUp()
      return planOf({
        person: meant,
        found,
        blocks: deps.blocks(found.records),
        exports,
        trailOf: (log) => deps.trailOf(log),
        needsApproval: deps.approveWithinMs !== null,
      })
    },

    async request({ person, ground, reference }, by) {
      const id = deps.newId()
      await alone(async () => {
        await fold.catchUp()
        const meant = await known(person)
        assertNew(meant.person)
        files.write({ id, ...meant, work: null })
        crashPoint('erase:asked')
        // Dying here: a file that no record needs, and nobody has an answer. The next start removes it.
        const expires = deps.approveWithinMs === null ? null : new Date(now() + deps.approveWithinMs).toISOString()
        await seal(id, 'requested', { by: by.name, expires, ground, reference })
      })
      return deps.approveWithinMs === null ? done(id) : view(standing(id))
    },

    async approve(id, by) {
      await alone(async () => {
        await fold.catchUp()
        const erasure = standing(id)
        const state = stateOf(erasure, now())
        if (!isOpen(state)) throw over(erasure)
        if (state !== 'requested') throw new SealtrailError('NOT_FOUND', 'nothing of this id waits for a second person')
        // Two approvers are two names, however they are written.
        if (erasure.requested.by.toLowerCase() === by.name.toLowerCase())
          throw new SealtrailError('SAME_APPROVER', `${erasure.requested.by} asked for it; somebody else must approve`)
        fileOf(id, files)
        await seal(id, 'approved', { by: by.name })
      })
      return done(id)
    },

    async withdraw(id, reason, by) {
      await alone(async () => {
        await fold.catchUp()
        const erasure = standing(id)
        const state = stateOf(erasure, now())
        if (state === 'running') throw new SealtrailError('ERASURE_RUNNING', `the erasure began on ${erasure.started ?? ''}`)
        if (!isOpen(state)) throw over(erasure)
        await seal(id, 'withdrawn', { by: by.name, reason })
        crashPoint('erase:withdrawn')
        // Dying here: withdrawn. The next start removes the file.
        files.remove(id)
      })
      return view(standing(id))
    },

    async list() {
      await fold.catchUp()
      return erasures.all().map(view).reverse()
    },

    async get(id) {
      await fold.catchUp()
      return view(standing(id))
    },
  }
}
