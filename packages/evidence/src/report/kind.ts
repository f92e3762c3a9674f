/** The kinds of file somebody may hand over. */
export type EvidenceKind = 'bundle' | 'proof' | 'receipt' | 'certificate'

/** How many of a file's first bytes `evidenceKind` looks at. */
export const KIND_BYTES = 64

/** What a file is, by its first bytes, then by its name, so that a damaged bundle is still checked as one; null: nothing of ours. */
export function evidenceKind(head: Uint8Array, name: string): EvidenceKind | null {
  let text = ''
  for (const byte of head.subarray(0, KIND_BYTES)) text += String.fromCharCode(byte)
  if (text.startsWith('PK')) return 'bundle'
  if (text.startsWith('c2sp.org/tlog-proof@v1')) return 'proof'
  if (/^\s*\{\s*"(?:certificate|started|completed)"/.test(text)) return 'certificate'
  if (text.trimStart().startsWith('{')) return 'receipt'
  if (/\.zip$/i.test(name)) return 'bundle'
  if (/\.tlog-proof$/i.test(name)) return 'proof'
  return /\.json$/i.test(name) ? 'receipt' : null
}
