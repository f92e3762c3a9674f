import { formatVkey, parseVkey, TYPE_ED25519 } from '@sealtrail/tlog'

/**
 * The vkey of one log, from a key given for any log of the same server: a server signs all its logs with one key under
 * the names `<origin>/<log>`. A key whose name ends in none of the logs is taken for what it says.
 * @throws TlogError KEY_MALFORMED, KEY_UNSUPPORTED
 */
export function vkeyFor(given: string, log: string, logs: readonly string[]): string {
  const { name, type, publicKey } = parseVkey(given)
  const named = logs.find((each) => name.endsWith(`/${each}`))
  if (named === undefined || named === log) return given
  return formatVkey(`${name.slice(0, -named.length)}${log}`, type, publicKey)
}

/** The vkey of a log as its own server says it, for checking signatures without claiming that the key is trusted. */
export function ownVkey(origin: string, publicKey: Uint8Array): string {
  return formatVkey(origin, TYPE_ED25519, publicKey)
}
