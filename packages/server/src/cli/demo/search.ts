import { readFileSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { openStoreOf } from '../../config/open-store.ts'
import { unpack } from '../../store/unpack.ts'

export interface Searched {
  readonly files: number
  readonly bytes: number
  /** `file: needle's name` for each hit. */
  readonly found: readonly string[]
}

/**
 * Reads every file under a data directory, also the write-ahead logs and the unpacked content of each segment, and looks
 * for the values: as they are, as UTF-16, in hex and in base64.
 */
export async function searchDirectory(directory: string, values: Readonly<Record<string, string>>): Promise<Searched> {
  const needles = Object.entries(values).flatMap(([name, value]) => formsOf(value).map((bytes) => ({ name, bytes })))
  const found = new Set<string>()
  let bytes = 0
  let files = 0
  const look = (place: string, content: Buffer): void => {
    bytes += content.length
    for (const needle of needles) if (content.includes(needle.bytes)) found.add(`${place}: ${needle.name}`)
  }
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files++
    look(relative(directory, path), readFileSync(path))
  }
  const store = await openStoreOf(directory, { readOnly: true })
  for await (const { key } of store.list('')) {
    if (!key.includes('/segment/')) continue
    const frame = await store.get(key)
    if (frame !== null) look(key, Buffer.from(await unpack(frame)))
  }
  await store.close()
  return { files, bytes, found: [...found] }
}

function formsOf(value: string): Buffer[] {
  const plain = Buffer.from(value)
  // Base64 groups three bytes: which text stands for the value depends on how many bytes come before it.
  const base64 = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), plain])
      .toString('base64')
      .replace(/=+$/, '')
    return Buffer.from(text.slice(before === 0 ? 0 : before + 1, -1))
  })
  return [plain, Buffer.from(value, 'utf16le'), Buffer.from(plain.toString('hex')), ...base64]
}
