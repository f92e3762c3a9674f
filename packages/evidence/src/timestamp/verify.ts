import { timestampProblem } from './verdict.ts'
import type { TimestampTrust, TimestampVerdict } from './verdict.ts'

/**
 * Checks an RFC 3161 time-stamp token over a text. The text is a checkpoint's note text (final newline included, no
 * signature lines); the token must hold its SHA-256. Runs in Node and browsers (Web Crypto), needs no clock and no network.
 * attacker: every byte of token, intermediates and lists. Never throws for them.
 */
export async function verifyTimestamp(_token: Uint8Array, _text: Uint8Array, _trust: TimestampTrust): Promise<TimestampVerdict> {
  return {
    ok: false,
    trust: 'none',
    genTime: null,
    accuracyMs: null,
    serial: null,
    policy: null,
    tsa: null,
    chain: [],
    revocation: 'unknown',
    problems: [timestampProblem('TIMESTAMP_FORMAT')],
  }
}
