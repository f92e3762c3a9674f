import { evidenceKind, KIND_BYTES } from '../src/report/kind.ts'
import type { EvidenceKind } from '../src/report/kind.ts'
import { describeCertificate } from '../src/timestamp/pem.ts'
import { count, list, printable, some } from '../src/report/words.ts'
import { readKeys, readPolicy, readRoots } from '../src/report/trust-text.ts'
import type { TrustTexts } from '../src/report/trust-text.ts'
import { readRange } from '../src/report/range-text.ts'
import type { Asked } from './messages.ts'
import { the } from './dom.ts'

/** What the examiner has put in, ready to be checked; null while a file or a record is missing or a field is wrong. */
export interface Input {
  readonly file: File
  readonly record: File | null
  readonly trust: TrustTexts
  readonly asked: Asked
}

const MAX_TRUST_BYTES = 4 * 1024 * 1024
/** Typing is waited out; a file or a pasted key is checked at once after it. */
const PAUSE_MS = 500

interface Field {
  readonly id: 'keys' | 'policy' | 'roots' | 'asked-range'
  /** What the field says about its text; null: nothing in it. */
  readonly say: (text: string) => { readonly ok: boolean; readonly message: string } | null
}

const FIELDS: readonly Field[] = [
  {
    id: 'keys',
    say: (text) => {
      const read = readKeys(text)
      if (!read.ok) return read
      return read.value.length === 0 ? null : { ok: true, message: `Key of ${list(read.value.map(({ of, name }) => `the ${of} ${printable(name)}`))}` }
    },
  },
  {
    id: 'policy',
    say: (text) => {
      const read = readPolicy(text)
      if (!read.ok) return read
      return read.value === null
        ? null
        : {
            ok: true,
            message: `Log ${list(read.value.logs.map(({ key }) => printable(key.name)))}; ${some(read.value.witnesses.length, 'witness', 'witnesses')}`,
          }
    },
  },
  {
    id: 'roots',
    say: (text) => {
      const read = readRoots(text)
      if (!read.ok) return read
      return read.value.length === 0
        ? null
        : { ok: true, message: `Certificate of ${list(read.value.map((der) => printable(describeCertificate(der)?.subject ?? '')))}` }
    },
  },
  {
    id: 'asked-range',
    say: (text) => {
      const range = readRange(text)
      if (text.trim() === '') return null
      return range === null
        ? { ok: false, message: 'Write the log’s name, a colon, and the first record’s number, two dots, and the number behind the last: calls:100..200' }
        : {
            ok: true,
            message: `${some(range.to - range.from, 'record')} of ${range.log}${range.to > range.from ? `, numbers ${count(range.from)} to ${count(range.to - 1)}` : ''}`,
          }
    },
  },
]

/** Wires the two steps; `changed` is called with what to check, or with the reason why nothing can be checked yet. @returns asks again, changed or not */
export function startForm(changed: (input: Input | null, why: string | null) => void): () => void {
  const form = the<HTMLFormElement>('ask')
  const file = the<HTMLInputElement>('file')
  const record = the<HTMLInputElement>('record')
  let dropped: File | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let asking = 0
  let before = ''

  const tell = async (): Promise<void> => {
    clearTimeout(timer)
    const chosen = dropped ?? file.files?.[0] ?? null
    the('drop').classList.toggle('filled', chosen !== null)
    asking++
    const mine = asking
    const kind = chosen === null ? null : await kindOf(chosen)
    if (mine !== asking) return
    const needsRecord = kind === 'proof' || kind === 'receipt'
    the('record-part').hidden = !needsRecord
    the('chosen').hidden = dropped === null
    the('chosen').textContent = dropped === null ? '' : `Dropped here: ${dropped.name}`
    const trust = { keys: text('keys'), policy: text('policy'), roots: text('roots') }
    const wrong = FIELDS.map(said).includes(false)
    // Leaving a field without having changed it checks nothing again.
    const now = JSON.stringify([trust, asked(), identity(chosen), identity(record.files?.[0])])
    if (now === before) return
    before = now
    if (chosen === null) changed(null, null)
    else if (wrong) changed(null, 'What you gave in step 2 cannot be read; see there.')
    else if (needsRecord && record.files?.[0] === undefined) changed(null, 'Choose the record this proof or receipt is about.')
    else changed({ file: chosen, record: needsRecord ? (record.files?.[0] ?? null) : null, trust, asked: asked() }, null)
  }

  form.addEventListener('submit', (event) => event.preventDefault())
  file.addEventListener('change', () => {
    dropped = null
    before = ''
    void tell()
  })
  record.addEventListener('change', () => void tell())
  for (const field of FIELDS) {
    const area = the<HTMLTextAreaElement>(field.id)
    area.addEventListener('input', () => {
      clearTimeout(timer)
      timer = setTimeout(() => void tell(), PAUSE_MS)
    })
    area.addEventListener('change', () => void tell())
    if (field.id === 'asked-range') continue
    the<HTMLInputElement>(`${field.id}-file`).addEventListener('change', (event) => void load(area, event.target as HTMLInputElement).then(tell))
  }
  the('asked-subject').addEventListener('change', () => void tell())
  startDrop(the('drop'), (file) => {
    dropped = file
    before = ''
    void tell()
  })
  return () => {
    before = ''
    void tell()
  }
}

const identity = (file: File | null | undefined): unknown => (file == null ? null : [file.name, file.size, file.lastModified])

async function load(area: HTMLTextAreaElement, input: HTMLInputElement): Promise<void> {
  const files = [...(input.files ?? [])]
  const small = files.reduce((sum, { size }) => sum + size, 0) <= MAX_TRUST_BYTES
  area.value = small ? (await Promise.all(files.map((file) => file.text()))).join('\n') : '(this file is far too large for a key, a policy or certificates)'
}

function asked(): Asked {
  const range = readRange(text('asked-range'))
  const subject = text('asked-subject').trim()
  return { ...(range === null ? {} : { range }), ...(subject === '' ? {} : { subject }) }
}

const text = (id: string): string => the<HTMLTextAreaElement>(id).value

/** Says under the field what was understood; false when it was not. */
function said({ id, say }: Field): boolean {
  const told = say(text(id))
  const state = the(`${id}-state`)
  state.textContent = told?.message ?? ''
  state.className = told === null ? 'state' : `state ${told.ok ? 'good' : 'bad'}`
  the(id).setAttribute('aria-invalid', String(told !== null && !told.ok))
  return told === null || told.ok
}

/** A file that cannot be read is left to the check, which says so. */
async function kindOf(file: File): Promise<EvidenceKind | null> {
  try {
    return evidenceKind(new Uint8Array(await file.slice(0, KIND_BYTES).arrayBuffer()), file.name)
  } catch {
    return 'bundle'
  }
}

/** The whole page takes a dropped file: somebody who misses the box must not have the browser open it instead. */
function startDrop(box: HTMLElement, take: (file: File) => void): void {
  for (const name of ['dragenter', 'dragover'] as const) {
    document.addEventListener(name, (event) => {
      event.preventDefault()
      box.classList.add('over')
    })
  }
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) box.classList.remove('over')
  })
  document.addEventListener('drop', (event) => {
    event.preventDefault()
    box.classList.remove('over')
    const file = event.dataTransfer?.files[0]
    if (file !== undefined) take(file)
  })
}
