import type { CertificateBody } from '@sealtrail/evidence'
import type { HandedOut } from './handed-out.ts'

type NotReached = CertificateBody['notReached'][number]

/** What the erasure could not reach, found on the way. */
export interface OutOfReach {
  readonly exports: readonly HandedOut[]
  /** Ids of those whose file was removed here. */
  readonly removed: ReadonlySet<string>
  /** Quarantined inputs that can be read. */
  readonly quarantined: number
  /** Places whose records cannot be read. */
  readonly unreadable: ReadonlyArray<{ readonly log: string; readonly index: number }>
  /** Tokens of values that other people's records hold as well. */
  readonly shared: number
  /** Folders with copies that nobody rewrites, below the data directory. */
  readonly copies: readonly string[]
}

/** Plain sentences, each true of every erasure or of this one. NIST SP 800-88 Rev. 2: cryptographic erase reaches a key, not copies of it made before. */
export function notReached({ exports, removed, quarantined, unreadable, shared, copies }: OutOfReach): NotReached[] {
  return [
    ...exports.map(({ id, at, to, purpose, records }): NotReached => ({
      what: 'export',
      at: at === '' ? null : at,
      detail: `export ${id}, made for ${to}${purpose === null ? '' : `, purpose: ${purpose}`}, holds ${records} of these records; ${removed.has(id) ? 'its file was removed here' : 'its file was gone here already'}; a copy that was fetched is with whoever fetched it`,
    })),
    ...(quarantined === 0
      ? []
      : [
          {
            what: 'quarantine' as const,
            at: null,
            detail: `${quarantined} quarantined ${quarantined === 1 ? 'input' : 'inputs'} can be read and hold none of the names as a value, a phone or an e-mail address; whether they speak of the person in other words nobody can tell`,
          },
        ]),
    ...unreadable.map(({ log, index }): NotReached => ({
      what: 'file',
      at: null,
      detail: `record ${index} of ${log} cannot be read: its values are destroyed, and it is not among the records listed`,
    })),
    ...(shared === 0
      ? []
      : [
          {
            what: 'file' as const,
            at: null,
            detail: `${shared} search ${shared === 1 ? 'token stands' : 'tokens stand'} for values that other records hold as well, such as a number that many call; with those they stay`,
          },
        ]),
    ...copies.map((folder): NotReached => ({
      what: 'file',
      at: null,
      detail: `${folder} is a copy made when the vault was repaired, as it was then; delete it`,
    })),
    {
      what: 'backup',
      at: null,
      detail:
        'copies of the data directory made before, such as backups, snapshots and replicas of its disk, hold keys and values as they were, until they are destroyed themselves',
    },
    {
      what: 'media',
      at: null,
      detail:
        'files were rewritten and removed, not overwritten in place: blocks of the medium that the file system has freed, or the medium has set aside, are reached by sanitizing the medium only',
    },
    {
      what: 'memory',
      at: null,
      detail:
        'memory of the running server, swap and core dumps may hold values, tokens and keys that passed through until the memory is used again; at the latest until the server is started again, swap and dumps beyond that',
    },
  ]
}
