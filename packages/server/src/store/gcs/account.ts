import { Storage } from '@google-cloud/storage'
import { SealtrailError } from '../../errors.ts'

/** The service's own address. */
const GOOGLE = 'https://storage.googleapis.com'

/** Where requests go, and what proves who sends them. */
export interface Account {
  readonly endpoint: URL
  /** Headers that carry the token, renewed by Google's library in time; none for a server that is not asked in a safe way. */
  headers(): Promise<Readonly<Record<string, string>>>
}

/**
 * Google's library finds the credentials (the file, or its usual chain: environment, `gcloud`, workload identity, the
 * machine's own account) and keeps the token fresh. A token never leaves this machine in clear: a server spoken to over
 * plain http gets none, unless it is this machine and a file was named.
 * @throws SealtrailError CONFIG_INVALID
 */
export function openAccount(options: { readonly endpoint: string | null; readonly credentialsFile: string | null }): Account {
  const endpoint = new URL(options.endpoint ?? GOOGLE)
  if (endpoint.protocol === 'http:') {
    if (options.credentialsFile === null) return { endpoint, headers: async () => ({}) }
    if (!['127.0.0.1', '[::1]', 'localhost'].includes(endpoint.hostname))
      throw new SealtrailError('CONFIG_INVALID', 'store.endpoint is plain http and store.credentials is named: tokens are not sent in clear; use https')
  }
  const storage = new Storage(options.credentialsFile === null ? {} : { keyFilename: options.credentialsFile })
  return { endpoint, headers: async () => Object.fromEntries((await storage.authClient.getRequestHeaders(endpoint.origin)).entries()) }
}
