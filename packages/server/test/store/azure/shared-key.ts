import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Whether the request is signed as "Authorize with Shared Key" documents it, by this account's key; computed here anew. */
export function isSigned(request: IncomingMessage, account: string, key: string): boolean {
  const header = (name: string): string => (request.headers[name] as string | undefined) ?? ''
  const length = header('content-length')
  const standard = [
    request.method!,
    header('content-encoding'),
    header('content-language'),
    length === '0' ? '' : length,
    header('content-md5'),
    header('content-type'),
    '', // Date: x-ms-date is there instead
    header('if-modified-since'),
    header('if-match'),
    header('if-none-match'),
    header('if-unmodified-since'),
    header('range'),
  ]
  const own = Object.keys(request.headers)
    .filter((name) => name.startsWith('x-ms-'))
    .sort()
    .map((name) => `${name}:${header(name).trim()}`)
  const url = new URL(request.url!, 'http://x')
  const query = [...url.searchParams].map(([name, value]) => `${name.toLowerCase()}:${value}`).sort()
  const text = [...standard, ...own, `/${account}${url.pathname}`, ...query].join('\n')
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text, 'utf8').digest('base64')
  return request.headers.authorization === `SharedKey ${account}:${signature}`
}
