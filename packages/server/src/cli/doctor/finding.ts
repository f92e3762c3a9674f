import type { ErrorCode } from '../../errors.ts'
import type { ProbeCheck } from '../../store/store.ts'

/** One thing the doctor looked at. */
export interface Finding {
  readonly area: 'configuration' | 'storage' | 'store' | 'disk' | 'keys' | 'clock' | 'retention' | 'time stamps'
  readonly level: 'ok' | 'warn' | 'fail'
  readonly text: string
  /** The error a server would answer with, where there is one. */
  readonly code?: ErrorCode
  /** What to do, when there is something to do. */
  readonly todo?: string
  /** What was tried of a store's lock, and what was seen. */
  readonly checks?: readonly ProbeCheck[]
}

export function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? 'error'
}
