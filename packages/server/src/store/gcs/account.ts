import { readFileSync } from 'node:fs'
import { GoogleAuth, JWT } from 'google-auth-library'
import type { JWTOptions } from 'google-auth-library'
import { SealtrailError } from '../../errors.ts'

/** The service's own address. */
const GOOGLE = 'https://storage.googleapis.com'
/** Setting a retention takes full control of objects; what the account may really do is its role's affair. */
const SCOPES = ['https://www.googleapis.com/auth/devstorage.full_control']

/** Where requests go, and what proves who sends them. */
export interface Account {
  readonly endpoint: URL
  /** Headers that carry the token, renewed by Google's library in time; none for a server that is not asked in a safe way. */
  headers(): Promise<Readonly<Record<string, string>>>
}

/**
 * The key of a service account from the file, or what Google's library finds by its usual chain: environment, workload
 * identity, `gcloud`, the machine's own account. A token never leaves this machine in clear: a server spoken to over plain
 * http gets none, unless it is this machine and a key was named.
 * @param transport for tests: how the library asks for tokens
 * @throws SealtrailError CONFIG_INVALID
 */
export function openAccount(
  options: { readonly endpoint: string | null; readonly credentialsFile: string | null },
  transport: Pick<JWTOptions, 'transporterOptions'> = {},
): Account {
  const endpoint = new URL(options.endpoint ?? GOOGLE)
  const isPlain = endpoint.protocol === 'http:'
  if (isPlain && options.credentialsFile === null) return { endpoint, headers: async () => ({}) }
  if (isPlain && !['127.0.0.1', '[::1]', 'localhost'].includes(endpoint.hostname))
    throw new SealtrailError('CONFIG_INVALID', 'store.endpoint is plain http and store.credentials is named: tokens are not sent in clear; use https')
  const auth =
    options.credentialsFile === null ? new GoogleAuth({ scopes: SCOPES }) : new JWT({ ...keyOf(options.credentialsFile), scopes: SCOPES, ...transport })
  return { endpoint, headers: async () => Object.fromEntries((await auth.getRequestHeaders()).entries()) }
}

/** Only the two members that make a token are taken: no address that the file names is ever asked. */
function keyOf(path: string): { email: string; key: string } {
  let content: Record<string, unknown>
  try {
    content = Object(JSON.parse(readFileSync(path, 'utf8'))) as Record<string, unknown>
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    throw new SealtrailError('CONFIG_INVALID', `store.credentials: the file ${code === undefined ? 'is no JSON' : `cannot be read (${code})`}`)
  }
  const { type, client_email: email, private_key: key } = content
  if (type !== 'service_account' || typeof email !== 'string' || typeof key !== 'string')
    throw new SealtrailError(
      'CONFIG_INVALID',
      'store.credentials: not the JSON key of a service account; other kinds are named by GOOGLE_APPLICATION_CREDENTIALS, without store.credentials',
    )
  return { email, key }
}
