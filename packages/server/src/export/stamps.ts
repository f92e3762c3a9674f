import { pemOf } from '@sealtrail/evidence'
import { encodeBase64 } from '@sealtrail/tlog'
import type { ListOptions, StoredTimestamp } from '../publish/timestamp/stored.ts'
import type { LogHashes } from './log-part.ts'
import type { ZipFile } from './zip-file.ts'

export type ListStamps = (log: string, options: ListOptions) => readonly StoredTimestamp[]

/** Stamps of each authority are looked for among so many. */
const LOOK = 32

/**
 * The stamps that say most, of each authority: the earliest over all records of the bundle; the earliest over the first of
 * them, which may be much older; and, where none covers all yet, the newest there is.
 */
export function chooseStamps(list: ListStamps, log: string, first: number, end: number, committed: number): StoredTimestamp[] {
  const chosen = new Map<string, StoredTimestamp>()
  const take = (stamps: readonly StoredTimestamp[]): void => {
    for (const authority of new Set(stamps.map((stamp) => stamp.authority))) {
      const stamp = stamps.find((each) => each.authority === authority)
      if (stamp !== undefined && stamp.size <= committed) chosen.set(stamp.key, stamp)
    }
  }
  const covering = list(log, { from: Math.max(end, 1), limit: LOOK })
  take(covering)
  take(list(log, { from: first + 1, to: end, limit: LOOK }))
  if (covering.length === 0) take(list(log, { to: end, limit: LOOK, newest: true }).toReversed())
  return [...chosen.values()].sort((a, b) => a.size - b.size)
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
