/** A place in the journal: file number and byte offset of an entry's frame. Ordered. */
export interface Position {
  readonly file: number
  readonly offset: number
}
