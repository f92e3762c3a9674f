import { aliasTokens } from '../../src/event/alias.ts'
import { keyedHashes } from '../../src/keys/hashes.ts'
import type { World } from '../flow/harness.ts'

/** The search token of a value in the forms it could stand in a text. */
export function tokensOf(world: World, kind: string, value: string): string[] {
  return aliasTokens(keyedHashes(world.local.sealing.keys.exportForIngest()), 'default', kind, value)
    .map((token) => Buffer.from(token, 'latin1'))
    .flatMap((token) => [token.toString('hex'), token.toString('base64'), token.toString('base64url'), token.toString('latin1')])
}
