/** What the vault asks of the server around it when people are erased; without other threads all of it is done here. */
export interface OtherThreads {
  /** Every thread drops the keys it remembers, and what it keeps in memory of personal values: tokens, texts looked at. */
  forget(): Promise<void>
  /** Resolves when no event is between its vault row and its journal entry. */
  settled(): Promise<void>
  /** Has the database in the folder closed by every thread, and opened anew. @throws SealtrailError NOT_DURABLE */
  renew(folder: string): Promise<void>
}
