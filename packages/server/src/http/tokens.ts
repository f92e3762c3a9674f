import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { SealtrailError } from '../errors.ts'
import { readTokenFile, replaceFile, type StoredToken } from './token-file.ts'
import { ROLES, type Role } from './ports.ts'

/** Who a bearer token stands for. */
export interface Principal {
  readonly name: string
  readonly role: Role
}

/** A token as listed: never the token, never its hash. */
export interface TokenInfo extends Principal {
  readonly created: string
  readonly expires: string | null
  readonly revoked: string | null
  readonly valid: boolean
}

const NAME = /^[A-Za-z0-9._@-]{1,64}$/
const RECHECK_MISS_MS = 25
const OURS = /^st_[A-Za-z0-9_-]{43}$/
const RECHECK_MS = 1000

/**
 * The bearer tokens of one data directory. A token is `st_` and 256 random bits in base64url; `tokens.json` (0600) holds
 * SHA-256 of it – no salt and no slow hash, as there is nothing to guess. Several processes and threads may hold the
 * same directory: a change is seen within a second, by the file's inode, size and times.
 */
export class Tokens {
  readonly #file: string
  readonly #now: () => number
  readonly #random: (bytes: number) => Uint8Array
  #tokens: readonly StoredToken[] = []
  #byHash = new Map<string, StoredToken>()
  #stamp = ''
  #checkedMs = -Infinity

  /** @throws SealtrailError DATA_CORRUPT when `tokens.json` is there and cannot be read. */
  constructor(options: { data: string; now: () => number; random: (bytes: number) => Uint8Array }) {
    this.#file = join(options.data, 'tokens.json')
    this.#now = options.now
    this.#random = options.random
    this.#reload(true)
  }

  /**
   * Who the token stands for, or null: unknown, revoked or expired.
   * @throws SealtrailError DATA_CORRUPT when the file became unreadable: nobody is let in on a guess.
   */
  check(token: string): Principal | null {
    this.#reload(false)
    // attacker: any bytes. Only a SHA-256 of them is looked up, and compared in constant time.
    if (token.length < 8 || token.length > 512) return null
    const digest = createHash('sha256').update(token).digest()
    const hash = digest.toString('hex')
    // A token made a moment ago by another process or thread; strangers can make us look no more often than this.
    if (!this.#byHash.has(hash) && OURS.test(token) && Math.abs(this.#now() - this.#checkedMs) >= RECHECK_MISS_MS) this.#reload(true)
    const stored = this.#byHash.get(hash)
    if (stored === undefined || !timingSafeEqual(digest, Buffer.from(stored.hash, 'hex'))) return null
    return this.#valid(stored) ? { name: stored.name, role: stored.role } : null
  }

  /**
   * A new token, shown this once. A name is used by one valid token at a time: two approvers are two names.
   * @throws SealtrailError USAGE for a bad name, role or expiry, or a name in use.
   */
  create(name: string, role: string, expiresMs: number | null): { readonly token: string; readonly info: TokenInfo } {
    const token = `st_${Buffer.from(this.#random(32)).toString('base64url')}`
    return { token, info: this.#add(token, name, role, expiresMs) }
  }

  /** Ends the token of that name at once here, within a second in other processes. False when no valid token has the name. */
  revoke(name: string): boolean {
    const now = new Date(this.#now()).toISOString()
    let found = false
    this.#change((tokens) =>
      tokens.map((t) => {
        if (t.name !== name || !this.#valid(t)) return t
        found = true
        return { ...t, revoked: now }
      }),
    )
    return found
  }

  /** All tokens ever made, oldest first. */
  list(): TokenInfo[] {
    this.#reload(true)
    return this.#tokens.map((t) => this.#info(t))
  }

  /**
   * Makes sure that `admin.token` (0600) holds a valid admin token; the file is written on the first start only. A file
   * whose token was revoked stays as it is: a revocation is never undone by a restart.
   */
  ensureAdmin(): void {
    const path = join(this.#file, '..', 'admin.token')
    const present = readIfThere(path)?.trim()
    if (present === undefined) {
      const name = this.#tokens.some((t) => t.name === 'admin') ? `admin-${this.#tokens.length}` : 'admin'
      const { token } = this.create(name, 'admin', null)
      replaceFile(path, () => `${token}\n`)
    } else if (present !== '' && this.#tokens.length === 0) this.#add(present, 'admin', 'admin', null)
  }

  #add(token: string, name: string, role: string, expiresMs: number | null): TokenInfo {
    if (!NAME.test(name)) throw new SealtrailError('USAGE', 'a token name is 1 to 64 of A-Z a-z 0-9 . _ @ -')
    if (!ROLES.includes(role as Role)) throw new SealtrailError('USAGE', `a role is one of ${ROLES.join(' ')}`)
    if (expiresMs !== null && !(expiresMs > this.#now())) throw new SealtrailError('USAGE', 'the expiry lies in the past')
    const stored: StoredToken = {
      name,
      role: role as Role,
      hash: createHash('sha256').update(token).digest('hex'),
      created: new Date(this.#now()).toISOString(),
      expires: expiresMs === null ? null : new Date(expiresMs).toISOString(),
      revoked: null,
    }
    this.#change((tokens) => {
      if (tokens.some((t) => t.name === name && this.#valid(t))) throw new SealtrailError('USAGE', 'a valid token of this name exists; revoke it first')
      return [...tokens, stored]
    })
    return this.#info(stored)
  }

  #valid(token: StoredToken): boolean {
    return token.revoked === null && (token.expires === null || Date.parse(token.expires) > this.#now())
  }

  #info({ name, role, created, expires, revoked }: StoredToken): TokenInfo {
    const valid = this.#valid({ name, role, created, expires, revoked, hash: '' })
    return { name, role, created, expires, revoked, valid }
  }

  #change(edit: (tokens: readonly StoredToken[]) => readonly StoredToken[]): void {
    replaceFile(this.#file, () => {
      this.#reload(true)
      return `${JSON.stringify({ format: 'sealtrail/tokens/1', tokens: edit(this.#tokens) }, null, 1)}\n`
    })
    this.#reload(true)
  }

  #reload(force: boolean): void {
    const now = this.#now()
    if (!force && Math.abs(now - this.#checkedMs) < RECHECK_MS) return
    const stat = statSync(this.#file, { throwIfNoEntry: false })
    const stamp = stat === undefined ? '' : `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}`
    if (stamp !== this.#stamp) {
      this.#tokens = stat === undefined ? [] : readTokenFile(this.#file)
      this.#byHash = new Map(this.#tokens.map((t) => [t.hash, t]))
      this.#stamp = stamp
    }
    this.#checkedMs = now
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
