/**
 * Signed notes (c2sp.org/signed-note v1.0.0): a text, an empty line, signature lines. This one is from its specification:
 *
 *     This is an example message.
 *
 *     — example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
 *
 * A signature line is an em dash, the key's name, and base64 of the key's 4-byte ID followed by the signature. What is
 * signed is the text with its last newline and without the empty line.
 */
import { TlogError } from './errors.ts'
import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from './text.ts'

/** A longer note is refused before it is looked at: 1 MiB. */
export const MAX_NOTE_BYTES = 1_048_576
/** More signature lines are refused; C2SP asks for at least 16. */
export const MAX_NOTE_SIGNATURES = 100

/** One signature line. */
export interface NoteSignature {
  readonly name: string
  /** The 4-byte key ID as an unsigned 32-bit number. */
  readonly keyId: number
  /** What follows the key ID: for type 0x01 the 64 bytes of Ed25519, for cosignatures a time and a signature. At least one byte. */
  readonly signature: Uint8Array
}

/** A note taken apart; nothing about it is verified. */
export interface Note {
  /** The signed text, its last newline included. */
  readonly text: string
  /** In the note's order, 1..100 of them, no (name, key ID) twice. */
  readonly signatures: readonly NoteSignature[]
}

/**
 * A key that can check a note's signatures. `verify` must be true only if the owner of `publicKey` signed the text's bytes;
 * it must not throw. Made from vkeys by `ed25519Verifier` and `cosignatureVerifier`, or by you for other algorithms.
 */
export interface Verifier {
  readonly name: string
  readonly keyId: number
  readonly publicKey: Uint8Array
  verify(text: Uint8Array, signature: Uint8Array): boolean
}

/** A key that signs notes: `sign` gets the text's bytes and returns what follows the key ID in the signature line. */
export interface Signer {
  readonly name: string
  readonly keyId: number
  sign(text: Uint8Array): Uint8Array
}

/** The signatures of a note, told apart. */
export interface VerifiedNote extends Note {
  /** Made by the keys given, in the note's order; at least one. */
  readonly verified: readonly NoteSignature[]
  /** By keys nobody gave: they prove nothing. */
  readonly unknown: readonly NoteSignature[]
}

/** True for a key name: not empty, no Unicode white space, no plus sign, writable as UTF-8. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}+]/u.test(name) && !hasControl(name) && name.isWellFormed()
}

/** @throws TlogError NOTE_MALFORMED unless the text ends in a newline and holds no other control character below U+0020. */
export function assertNoteText(text: string): void {
  if (!text.endsWith('\n')) throw new TlogError('NOTE_MALFORMED', 'the text of a note ends in a newline')
  // attacker: CR, TAB, NUL and the like make two readers see two texts.
  if (hasControl(text)) throw new TlogError('NOTE_MALFORMED', 'a control character in the note')
}

/**
 * Takes a note apart. attacker: nothing in the result is verified; see {@link verifyNote}.
 * @throws TlogError NOTE_TOO_LARGE beyond 1 MiB or 100 signatures; TEXT_ENCODING; NOTE_MALFORMED for control characters, a
 * missing empty line or last newline, a signature line of another form, non-canonical base64, or the same (name, key ID) twice.
 */
export function parseNote(note: string | Uint8Array): Note {
  if (note.length > MAX_NOTE_BYTES) throw new TlogError('NOTE_TOO_LARGE', 'a note is at most 1 MiB')
  const whole = typeof note === 'string' ? note : decodeUtf8(note)
  if (typeof note === 'string' && encodeUtf8(note).length > MAX_NOTE_BYTES) throw new TlogError('NOTE_TOO_LARGE', 'a note is at most 1 MiB')
  assertNoteText(whole)
  // The last empty line: the text itself may hold empty lines.
  const split = whole.lastIndexOf('\n\n')
  if (split < 0 || split + 2 === whole.length) throw new TlogError('NOTE_MALFORMED', 'the note has no signatures after an empty line')
  const lines = whole.slice(split + 2, -1).split('\n')
  if (lines.length > MAX_NOTE_SIGNATURES) throw new TlogError('NOTE_TOO_LARGE', 'a note has at most 100 signatures')
  const seen = new Set<string>()
  const signatures = lines.map((line) => {
    const signature = parseSignatureLine(line)
    const key = `${signature.keyId} ${signature.name}`
    if (seen.has(key)) throw new TlogError('NOTE_MALFORMED', 'two signatures of the same key')
    seen.add(key)
    return signature
  })
  return { text: whole.slice(0, split + 1), signatures }
}

/** One signature line without its newline. @throws TlogError NOTE_MALFORMED */
export function parseSignatureLine(line: string): NoteSignature {
  const parts = line.split(' ')
  const [dash, name, base64] = parts
  if (parts.length !== 3 || dash !== '\u2014' || !isKeyName(name!)) throw new TlogError('NOTE_MALFORMED', 'a signature line is a dash, a key name and base64')
  const blob = decodeInNote(base64!)
  if (blob.length < 5) throw new TlogError('NOTE_MALFORMED', 'a signature is shorter than its key ID')
  const keyId = ((blob[0]! << 24) | (blob[1]! << 16) | (blob[2]! << 8) | blob[3]!) >>> 0
  return { name: name!, keyId, signature: blob.slice(4) }
}

/** One signature line without its newline. @throws TlogError INVALID_ARGUMENT for a name, key ID or signature no note can hold. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  if (!isKeyName(name)) throw new TlogError('INVALID_ARGUMENT', 'a key name has no white space and no plus sign')
  if (!Number.isInteger(keyId) || keyId < 0 || keyId > 0xffffffff) throw new TlogError('INVALID_ARGUMENT', 'a key ID is 32 bits')
  if (signature.length === 0) throw new TlogError('INVALID_ARGUMENT', 'an empty signature')
  return `\u2014 ${name} ${encodeBase64(Uint8Array.from([keyId >>> 24, keyId >>> 16, keyId >>> 8, keyId, ...signature]))}`
}

/** The note of a text and its signatures; {@link parseNote} gives both back. @throws TlogError NOTE_MALFORMED, NOTE_TOO_LARGE, INVALID_ARGUMENT */
export function formatNote(text: string, signatures: readonly NoteSignature[]): string {
  assertNoteText(text)
  if (signatures.length === 0) throw new TlogError('INVALID_ARGUMENT', 'a note has at least one signature')
  const note = `${text}\n${signatures.map((signature) => `${formatSignatureLine(signature)}\n`).join('')}`
  parseNote(note)
  return note
}

/** Signs the text with each key, after signatures it already has. @throws TlogError NOTE_MALFORMED, NOTE_TOO_LARGE, INVALID_ARGUMENT */
export function signNote(text: string, signers: readonly Signer[], existing: readonly NoteSignature[] = []): string {
  assertNoteText(text)
  const message = encodeUtf8(text)
  const made = signers.map((signer) => ({ name: signer.name, keyId: signer.keyId, signature: signer.sign(message) }))
  return formatNote(text, [...existing, ...made])
}

/**
 * The note with the signatures that the given keys made. A line belongs to a key only if name *and* key ID are the key's.
 * attacker: lines of unknown keys are ignored, but one wrong signature under a known key condemns the whole note.
 * @throws TlogError SIGNATURE_INVALID; NOTE_UNVERIFIED when no known key signed; INVALID_ARGUMENT when two of the keys share name and key ID.
 */
export function verifyNote(note: Note, verifiers: readonly Verifier[]): VerifiedNote {
  const known = new Map<string, Verifier>()
  for (const verifier of verifiers) {
    const key = `${verifier.keyId} ${verifier.name}`
    if (known.has(key)) throw new TlogError('INVALID_ARGUMENT', 'two verifiers share name and key ID')
    known.set(key, verifier)
  }
  const message = encodeUtf8(note.text)
  const verified: NoteSignature[] = []
  const unknown: NoteSignature[] = []
  for (const line of note.signatures) {
    const verifier = known.get(`${line.keyId} ${line.name}`)
    if (verifier === undefined) {
      unknown.push(line)
    } else if (verifier.verify(message, line.signature) === true) {
      verified.push(line)
    } else {
      throw new TlogError('SIGNATURE_INVALID', `the signature of ${line.name} is wrong`)
    }
  }
  if (verified.length === 0) throw new TlogError('NOTE_UNVERIFIED', 'no known key signed the note')
  return { text: note.text, signatures: note.signatures, verified, unknown }
}

/** True when a character below U+0020 other than a newline is in the text. */
function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20 && text.charCodeAt(i) !== 0x0a) return true
  return false
}

function decodeInNote(base64: string): Uint8Array {
  try {
    return decodeBase64(base64)
  } catch (cause) {
    throw new TlogError('NOTE_MALFORMED', 'a signature is not canonical base64', { cause })
  }
}
