import { pemOf, verifyTimestamp } from '@sealtrail/evidence'
import { encodeBase64 } from '@sealtrail/tlog'
import type { ListOptions, StoredTimestamp } from '../publish/timestamp/stored.ts'
import type { LogHashes } from './log-part.ts'
import type { ZipFile } from './zip-file.ts'

export type ListStamps = (log: string, options: ListOptions) => readonly StoredTimestamp[]

export interface ChosenStamps {
  readonly stamps: readonly StoredTimestamp[]
  /** Codes of stamps that were passed over, one for each. */
  readonly unfit: readonly string[]
}

/** Stamps of each authority are looked for among so many. */
const LOOK = 32

/**
 * The stamps that say most, of each authority: the earliest over all records of the bundle; the earliest over the first of
 * them, which may be much older; and, where none covers all yet, the newest there is. Those that do not verify are passed
 * over: they would spoil the verdict on a sound bundle.
 */
export async function chooseStamps(list: ListStamps, log: string, first: number, end: number, committed: number): Promise<ChosenStamps> {
  const chosen = new Map<string, StoredTimestamp>()
  const unfit = new Map<string, string>()
  const take = async (stamps: readonly StoredTimestamp[]): Promise<void> => {
    const taken = new Set<string>()
    for (const stamp of stamps) {
      if (taken.has(stamp.authority) || stamp.size > committed || unfit.has(stamp.key)) continue
      const fault = await faultOf(stamp)
      if (fault !== null) unfit.set(stamp.key, fault)
      else {
        taken.add(stamp.authority)
        chosen.set(stamp.key, stamp)
      }
    }
  }
  await take(list(log, { from: Math.max(end, 1), limit: LOOK }))
  const covered = chosen.size > 0
  await take(list(log, { from: first + 1, to: end, limit: LOOK }))
  if (!covered) await take(list(log, { to: end, limit: LOOK, newest: true }).toReversed())
  return { stamps: [...chosen.values()].sort((a, b) => a.size - b.size), unfit: [...unfit.values()] }
}

/** Code of what is wrong with the token, or null; whose it is, the bundle's reader asks. */
async function faultOf({ token, text, nonce, chain, crls }: StoredTimestamp): Promise<string | null> {
  const { problems } = await verifyTimestamp(token, text, { roots: [], nonce, intermediates: chain, crls })
  return problems[0]?.code ?? null
}

/** Puts a stamp into the bundle; returns its folder's name. */
export function addStamp(zip: ZipFile, log: string, stamp: StoredTimestamp, size: number, hashes: LogHashes): string {
  const name = (stamp.key.split('/').at(-1) as string).toLowerCase().replace(/[^0-9a-z-]/g, '-')
  const folder = `log/${log}/timestamp/${name}/`
  zip.add(`${folder}checkpoint.txt`, stamp.text)
  zip.add(`${folder}token.tst`, stamp.token, false)
  if (stamp.chain.length > 0) zip.add(`${folder}chain.pem`, stamp.chain.map((der) => pemOf('CERTIFICATE', der)).join(''))
  if (stamp.crls.length > 0) zip.add(`${folder}crls.pem`, stamp.crls.map((der) => pemOf('X509 CRL', der)).join(''))
  const proof = hashes.consistency(Math.min(size, stamp.size), Math.max(size, stamp.size))
  zip.add(`${folder}consistency`, proof.map((hash) => `${encodeBase64(hash)}\n`).join(''))
  return name
}
