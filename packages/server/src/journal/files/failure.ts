import { SealtrailError } from '../../errors.ts'

const FULL_OR_FORBIDDEN = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EPERM', 'EFBIG', 'ENOTDIR', 'EMFILE'])

/** What a failed system call means to the sender: the folder cannot be written, or the write is of unknown outcome. */
export function unwritable(step: string, cause: unknown): SealtrailError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error'
  return new SealtrailError(FULL_OR_FORBIDDEN.has(code) ? 'DATA_UNWRITABLE' : 'NOT_DURABLE', `journal ${step} failed: ${code}`, { cause })
}

/** A journal file that says something else than what was synced: starting would lose acknowledged events unseen. */
export function corrupt(file: number, offset: number, what: string): SealtrailError {
  const name = `${String(file).padStart(8, '0')}.journal`
  return new SealtrailError('DATA_CORRUPT', `journal ${name} offset ${offset}: entry or file ${what}`, { stopsLog: true })
}
