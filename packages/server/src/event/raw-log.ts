import { SealtrailError } from '../errors.ts'

/**
 * Logs of the test-only `POST /add`: their leaves are whatever was sent, not records. The name says so, and the name is
 * part of the origin every checkpoint of the log signs. No other log can be called like that: names of trails have no dot, those of classes two.
 */
const PREFIX = 'raw.'

/** The log's whole name. @throws SealtrailError USAGE */
export function rawLog(name: string): string {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
    throw new SealtrailError('USAGE', '--test-add takes a name of lower-case letters, digits and hyphens, at most 63')
  return PREFIX + name
}

export function isRawLog(log: string): boolean {
  // A class of a tenant called raw has a second dot.
  return log.startsWith(PREFIX) && !log.includes('.', PREFIX.length)
}
