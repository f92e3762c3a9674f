import { crlInFile, describeCertificate, describeCrl } from '@sealtrail/evidence'
import type { Answer, Connections } from '../post.ts'
import type { FetchedList } from './stored.ts'

/** Longest revocation list that is kept, bytes. */
const MAX_LIST_BYTES = 2 * 1024 * 1024
const MAX_ADDRESSES = 16
const KEEP_MS = 60 * 60 * 1000
/** One that could not be had is asked for again after this. */
const FAILED_MS = 5 * 60 * 1000

/**
 * Revocation lists of the certificates in a chain, from the addresses their issuers wrote into them. Best effort: what cannot
 * be had is said. Only chains that led to a trusted root are looked up, so no stranger chooses an address.
 */
export class RevocationLists {
  readonly #connections: Connections
  readonly #timeoutMs: number
  readonly #now: () => number
  readonly #kept = new Map<string, { readonly list: FetchedList; readonly untilMs: number }>()

  constructor(connections: Connections, timeoutMs: number, now: () => number) {
    this.#connections = connections
    this.#timeoutMs = timeoutMs
    this.#now = now
  }

  /** One per address, in the order of the chain. Never rejects. */
  async of(chain: readonly Uint8Array[]): Promise<FetchedList[]> {
    const urls = new Set(chain.flatMap((der) => describeCertificate(der)?.crls ?? []))
    const lists: FetchedList[] = []
    for (const url of [...urls].slice(0, MAX_ADDRESSES)) lists.push(await this.#list(url))
    return lists
  }

  async #list(url: string): Promise<FetchedList> {
    const now = this.#now()
    const kept = this.#kept.get(url)
    if (kept !== undefined && kept.untilMs > now) return kept.list
    const list = await this.#fetch(url)
    const next = 'der' in list ? Date.parse(describeCrl(list.der)?.nextUpdate ?? '') : Number.NaN
    const keepMs = 'der' in list ? Math.min(KEEP_MS, Number.isNaN(next) ? KEEP_MS : Math.max(FAILED_MS, next - now)) : FAILED_MS
    this.#kept.set(url, { list, untilMs: now + keepMs })
    return list
  }

  async #fetch(url: string): Promise<FetchedList> {
    let answer: Answer
    try {
      answer = await this.#connections.ask(url, { method: 'GET', timeoutMs: this.#timeoutMs, maxBytes: MAX_LIST_BYTES })
    } catch (error) {
      return { url, error: (error as Error).message }
    }
    if (answer.status !== 200) return { url, error: `STATUS_${answer.status}` }
    const der = crlInFile(answer.body)
    return der === null ? { url, error: 'NOT_A_LIST' } : { url, der }
  }
}
