import { existsSync, readFileSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ByteSource } from '../bundle/verdict.ts'
import { RunError, UsageError } from './usage.ts'

/** A file to be checked; `close` when done. */
export interface OpenFile extends ByteSource {
  close(): Promise<void>
}

/** @throws RunError when it cannot be opened or is no file */
export async function openFile(cwd: string, name: string): Promise<OpenFile> {
  const path = resolve(cwd, name)
  try {
    const handle = await open(path, 'r')
    const stat = await handle.stat()
    if (!stat.isFile()) {
      await handle.close()
      throw new RunError('the file to check is no file')
    }
    return {
      size: stat.size,
      async read(from, to) {
        const bytes = new Uint8Array(to - from)
        let at = 0
        while (at < bytes.length) {
          const { bytesRead } = await handle.read(bytes, at, bytes.length - at, from + at)
          if (bytesRead === 0) throw new RunError('the file became shorter while it was read')
          at += bytesRead
        }
        return bytes
      },
      close: () => handle.close(),
    }
  } catch (cause) {
    throw failed('the file to check', cause)
  }
}

/** @param most bytes. @throws UsageError, RunError */
export function readSmall(cwd: string, name: string, what: string, most: number): Uint8Array {
  const path = resolve(cwd, name)
  try {
    if (statSync(path).size > most) throw new UsageError(`${what} is far too large for one`)
    return readFileSync(path)
  } catch (cause) {
    throw failed(what, cause)
  }
}

/** The text of a file if there is one of this name, else the text itself: `--key` takes both. */
export function textOrFile(cwd: string, given: string, what: string, most: number): string {
  return !given.includes('\n') && existsSync(resolve(cwd, given)) ? new TextDecoder().decode(readSmall(cwd, given, what, most)) : given
}

function failed(what: string, cause: unknown): Error {
  if (cause instanceof UsageError || cause instanceof RunError) return cause
  const code = (cause as { code?: string }).code
  if (code === 'ENOENT') return new UsageError(`${what}: there is no such file`, { cause })
  return new RunError(`${what} cannot be read (${code ?? 'unknown reason'})`, { cause })
}
