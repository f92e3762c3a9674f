import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { replaceDurably } from '../durable-file.ts'
import { SealtrailError } from '../errors.ts'

/** What a witness cosigned last of one log, as far as we know: where the next proof begins. */
export interface WitnessedSize {
  readonly size: number
  /** Lower-case hex; what the witness holds its next proof against. */
  readonly root: string
}

/**
 * What each witness cosigned last, per log, kept in `DATA/witnesses/<log>.json`. Lost, it is learnt again from the
 * witnesses' own answers; kept, it shows a witness that forgot and a log that was set back.
 */
export class WitnessSizes {
  readonly #path: string
  readonly #sizes: Map<string, WitnessedSize>

  /** Opens the file of one log. A damaged one counts as lost. */
  constructor(data: string, log: string) {
    this.#path = join(data, 'witnesses', `${log}.json`)
    this.#sizes = readSizes(this.#path)
  }

  /** @param vkey of the witness: with another key it is another witness. */
  get(vkey: string): WitnessedSize | null {
    return this.#sizes.get(vkey) ?? null
  }

  /** Durable when it returns. @throws SealtrailError DATA_UNWRITABLE */
  set(vkey: string, witnessed: WitnessedSize): void {
    const known = this.#sizes.get(vkey)
    if (known?.size === witnessed.size && known.root === witnessed.root) return
    this.#sizes.set(vkey, witnessed)
    const text = `${JSON.stringify({ format: 'sealtrail/witnesses/1', witnesses: Object.fromEntries(this.#sizes) })}\n`
    replaceDurably(this.#path, text, 'what the witnesses cosigned last')
  }
}

function readSizes(path: string): Map<string, WitnessedSize> {
  try {
    const { format, witnesses } = JSON.parse(readFileSync(path, 'utf8')) as { format?: unknown; witnesses?: Record<string, WitnessedSize> }
    if (format !== 'sealtrail/witnesses/1' || typeof witnesses !== 'object' || !Object.values(witnesses).every(isWitnessed)) return new Map()
    return new Map(Object.entries(witnesses))
  } catch (error) {
    if (error instanceof SealtrailError) throw error
    return new Map()
  }
}

function isWitnessed(value: unknown): value is WitnessedSize {
  const { size, root } = (value ?? {}) as Record<string, unknown>
  return Number.isSafeInteger(size) && (size as number) >= 0 && typeof root === 'string' && /^[0-9a-f]{64}$/.test(root)
}
