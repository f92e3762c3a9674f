import { formatPolicy, formatVkey, parsePolicy, parseVkey, TYPE_ED25519 } from '@sealtrail/tlog'
import type { Policy } from '@sealtrail/tlog'
import type { BundleTrust } from '../bundle/verdict.ts'

/**
 * What the examiner brought, as it speaks of the log `system` of a server: a server signs all its logs with one key, under
 * the names `<base>/<log>`, so a key or policy of any of them says who signed this one.
 * @throws TlogError for a vkey or policy that cannot be read
 */
export function trustForSystem({ vkeys = [], policy, ...rest }: BundleTrust, origin: string): BundleTrust {
  const keys = vkeys.map((vkey) => vkey.trim()).filter((vkey) => vkey !== '')
  const asked = policy === undefined || policy.trim() === '' ? null : policyFor(parsePolicy(policy), origin, policy)
  return { ...rest, vkeys: keys.map((vkey) => renamed(vkey, origin)), ...(asked === null ? {} : { policy: asked }) }
}

/** The same witnesses are asked for. A policy of other servers stays as it is: it names no log of this origin, which is then found. */
function policyFor(policy: Policy, origin: string, text: string): string {
  if (policy.logs.some(({ key }) => key.name === origin)) return text
  const log = policy.logs.find(({ key }) => key.type === TYPE_ED25519 && baseOf(key.name) === baseOf(origin))
  if (log === undefined) return text
  const vkey = renamed(log.vkey, origin)
  return formatPolicy({ ...policy, logs: [{ ...log, vkey, key: parseVkey(vkey) }] })
}

function renamed(vkey: string, origin: string): string {
  const { name, type, publicKey } = parseVkey(vkey)
  return type === TYPE_ED25519 && baseOf(name) === baseOf(origin) ? formatVkey(origin, type, publicKey) : vkey
}

/** `<base>` of `<base>/<log>`. */
export function baseOf(origin: string): string {
  return origin.slice(0, Math.max(0, origin.lastIndexOf('/')))
}
