import { Buffer } from 'node:buffer'
import { SealtrailError } from '../../errors.ts'
import { CK, CKR, codeOf } from './cryptoki.ts'
import type { Cryptoki, Handle, Template } from './cryptoki.ts'

/**
 * One session with one token, by its label. Every call is made at once (PKCS#11 knows no other way). After a failure the
 * session is begun anew and the call made once more, since a token that was away, or a session it forgot, does not mend by itself.
 */
export class Token {
  readonly #cryptoki: Cryptoki
  readonly #label: string
  readonly #pin: string
  #session: Handle | null = null
  /** A library is initialised anew once its token is gone: the list of slots is made then. */
  #initialized = false
  readonly #handles = new Map<string, Handle>()

  constructor(cryptoki: Cryptoki, label: string, pin: string) {
    this.#cryptoki = cryptoki
    this.#label = label
    this.#pin = pin
  }

  /**
   * Works in the session, again in a new one when that failed. @throws SealtrailError KEY_UNAVAILABLE when the token cannot
   * be had or the call fails in a new session, too; errors of `work` itself that are SealtrailErrors as they are
   */
  run<T>(what: string, work: (cryptoki: Cryptoki, session: Handle) => T): T {
    for (let attempt = 0; ; attempt++) {
      try {
        return work(this.#cryptoki, this.#open())
      } catch (error) {
        if (error instanceof SealtrailError) throw error
        this.#drop()
        // Somebody else in this process ended the library.
        if (codeOf(error) === CKR.CRYPTOKI_NOT_INITIALIZED) this.#initialized = false
        if (attempt === 0) continue
        // Perhaps it is the library that has to begin anew: at the next call.
        this.#finalize()
        throw unavailable(what, error)
      }
    }
  }

  /** The one object of this class under a label; null when there is none. @throws SealtrailError KEY_UNKNOWN when there are two */
  find(cryptoki: Cryptoki, session: Handle, objectClass: number, label: string): Handle | null {
    const name = `${objectClass} ${label}`
    const known = this.#handles.get(name)
    if (known !== undefined) return known
    const template: Template = [
      { type: CK.CLASS, value: objectClass },
      { type: CK.TOKEN, value: true },
      { type: CK.LABEL, value: label },
    ]
    cryptoki.C_FindObjectsInit(session, template)
    let found: Handle[]
    try {
      found = cryptoki.C_FindObjects(session, 2)
    } finally {
      cryptoki.C_FindObjectsFinal(session)
    }
    if (found.length > 1) throw new SealtrailError('KEY_UNKNOWN', `the token ${this.#label} has two keys called ${label}: nobody can tell which is meant`)
    const [handle] = found
    if (handle === undefined) return null
    this.#handles.set(name, handle)
    return handle
  }

  get label(): string {
    return this.#label
  }

  close(): void {
    this.#drop()
    this.#finalize()
  }

  #open(): Handle {
    if (this.#session !== null) return this.#session
    if (!this.#initialized) this.#initialize()
    let slot = this.#slot()
    if (slot === null) {
      this.#finalize()
      this.#initialize()
      slot = this.#slot()
    }
    if (slot === null) {
      this.#finalize()
      throw new SealtrailError('KEY_UNAVAILABLE', `no slot has a token called ${this.#label}`)
    }
    const session = this.#cryptoki.C_OpenSession(slot, CK.SERIAL_SESSION | CK.RW_SESSION)
    this.#login(session)
    this.#session = session
    return session
  }

  #initialize(): void {
    try {
      this.#cryptoki.C_Initialize()
    } catch (error) {
      if (codeOf(error) !== CKR.CRYPTOKI_ALREADY_INITIALIZED) throw unavailable('the library', error)
    }
    this.#initialized = true
  }

  #finalize(): void {
    if (this.#initialized) ignore(() => this.#cryptoki.C_Finalize())
    this.#initialized = false
  }

  #login(session: Handle): void {
    try {
      this.#cryptoki.C_Login(session, CK.USER, this.#pin)
    } catch (error) {
      const code = codeOf(error)
      if (code === CKR.USER_ALREADY_LOGGED_IN) return
      ignore(() => this.#cryptoki.C_CloseSession(session))
      // Not tried again: a token locks itself after a few wrong ones.
      if (code === CKR.PIN_INCORRECT || code === CKR.PIN_INVALID || code === CKR.PIN_LEN_RANGE)
        throw new SealtrailError('KEY_UNKNOWN', `keys.pin: the token ${this.#label} does not take this PIN`)
      if (code === CKR.PIN_LOCKED) throw new SealtrailError('KEY_UNKNOWN', `the token ${this.#label} has locked its PIN; its security officer unlocks it`)
      throw error
    }
  }

  #slot(): Handle | null {
    const slots = this.#cryptoki.C_GetSlotList(true)
    return slots.find((slot) => labelOf(this.#cryptoki, slot) === this.#label) ?? null
  }

  #drop(): void {
    const session = this.#session
    this.#session = null
    this.#handles.clear()
    if (session !== null) ignore(() => this.#cryptoki.C_CloseSession(session))
  }
}

/** A slot whose token goes away while it is looked at is none of ours. */
function labelOf(cryptoki: Cryptoki, slot: Handle): string | null {
  try {
    return cryptoki.C_GetTokenInfo(slot).label.replace(/[\0 ]+$/, '')
  } catch {
    return null
  }
}

function ignore(run: () => void): void {
  try {
    run()
  } catch {
    // What is to be given up is given up.
  }
}

/** Names the call and the standard's number, nothing of what was asked. */
function unavailable(what: string, cause: unknown): SealtrailError {
  const code = codeOf(cause)
  return new SealtrailError('KEY_UNAVAILABLE', `the token does not do it: ${what} (${code === null ? 'no answer' : `0x${code.toString(16)}`})`, { cause })
}

/** A label as bytes the standard takes. */
export function idOf(id: string): Buffer {
  return Buffer.from(id, 'hex')
}
