import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { readCertificates } from '@sealtrail/evidence'
import { SealtrailError } from '../errors.ts'
import type { AuthorityConfig } from './config.ts'
import { openSecret } from './value.ts'

const MAX_BYTES = 1024 * 1024

/** Root certificates in a PEM or DER file, with `sha256:` and the hex digest of the file. @throws SealtrailError CONFIG_INVALID */
export function readRoots(path: string): { readonly roots: readonly Uint8Array[]; readonly digest: string } {
  let file: Uint8Array
  try {
    if (statSync(path).size > MAX_BYTES) throw new SealtrailError('CONFIG_INVALID', 'the file is too large to hold roots')
    file = readFileSync(path)
  } catch (error) {
    if (error instanceof SealtrailError) throw error
    throw new SealtrailError('CONFIG_INVALID', `the file cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error })
  }
  const read = readCertificates(file)
  if (!read.ok) throw new SealtrailError('CONFIG_INVALID', `the file does not hold certificates in PEM or DER alone: ${read.message}`)
  return { roots: read.value, digest: `sha256:${createHash('sha256').update(file).digest('hex')}` }
}

/** The `Authorization` header an authority is asked with, or null. @throws Error when the secret can no longer be opened */
export function authorizationOf({ basic }: AuthorityConfig, env: Readonly<Record<string, string | undefined>>): string | null {
  return basic === null ? null : `Basic ${Buffer.from(`${basic.user}:${openSecret(basic.password, env)}`).toString('base64')}`
}
