import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { syncFolder, unwritable, writeSynced } from '../durable-file.ts'
import { SealtrailError } from '../errors.ts'
import { ROLES, type Role } from './ports.ts'

/** A row of `tokens.json`: `{"format":"sealtrail/tokens/1","tokens":[…]}`. */
export interface StoredToken {
  readonly name: string
  readonly role: Role
  /** SHA-256 of the token's ASCII text, lower-case hex. */
  readonly hash: string
  /** RFC 3339, as are the next two. */
  readonly created: string
  readonly expires: string | null
  readonly revoked: string | null
}

/** The rows of the file. @throws SealtrailError DATA_CORRUPT when it is not such a file. */
export function readTokenFile(path: string): StoredToken[] {
  try {
    const parsed = JSON.parse(readFileSync(path, 'utf8')) as { format?: unknown; tokens?: unknown }
    if (parsed.format !== 'sealtrail/tokens/1' || !Array.isArray(parsed.tokens) || !parsed.tokens.every(isStoredToken)) throw new TypeError('shape')
    return parsed.tokens
  } catch (cause) {
    throw new SealtrailError('DATA_CORRUPT', 'tokens.json cannot be read', { cause })
  }
}

const STALE_MS = 10_000
const WHAT = 'a file of tokens'

/**
 * Puts the text `make` returns in the file's place, mode 0600, whole or not at all, durable when it returns. The file
 * being written is also the lock: no other thread or process changes the file between `make`'s reading and the swap.
 * @throws SealtrailError DATA_UNWRITABLE; whatever `make` throws, leaving the file as it was.
 */
export function replaceFile(path: string, make: () => string): void {
  const next = `${path}.next`
  claim(next)
  try {
    const text = make()
    writeSynced(openSync(next, 'w', 0o600), text)
    renameSync(next, path)
  } catch (cause) {
    rmSync(next, { force: true })
    throw cause instanceof SealtrailError ? cause : unwritable(WHAT, cause)
  }
  syncFolder(dirname(path))
}

function claim(path: string): void {
  for (let tries = 0; ; tries++) {
    try {
      return closeSync(openSync(path, 'wx', 0o600))
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || tries > 100) throw unwritable(WHAT, cause)
      const stat = statSync(path, { throwIfNoEntry: false })
      // Left by a writer that was killed. File times are the system's, so the system's clock it is.
      if (stat !== undefined && Date.now() - stat.mtimeMs > STALE_MS) rmSync(path, { force: true })
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}

function isStoredToken(row: unknown): row is StoredToken {
  if (typeof row !== 'object' || row === null) return false
  const t = row as Record<string, unknown>
  const time = (v: unknown): boolean => v === null || (typeof v === 'string' && !Number.isNaN(Date.parse(v)))
  return (
    typeof t['name'] === 'string' &&
    ROLES.includes(t['role'] as Role) &&
    typeof t['hash'] === 'string' &&
    /^[0-9a-f]{64}$/.test(t['hash']) &&
    t['created'] !== null &&
    time(t['created']) &&
    time(t['expires']) &&
    time(t['revoked'])
  )
}
