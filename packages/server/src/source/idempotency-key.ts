import { SealtrailError } from '../errors.ts'

/**
 * Checks the syntax of `X-Idempotency-Key` and `Idempotency-Key` (a quoted structured-field string or bare text, 1 to 255
 * visible ASCII characters and spaces) and otherwise ignores them: a receipt's identity is message and status, while the
 * guide's key is the message alone and would swallow the second status.
 * @throws SealtrailError BAD_REQUEST
 */
export function checkIdempotencyKey(headers: { get(name: string): string | null }): void {
  for (const name of ['idempotency-key', 'x-idempotency-key']) {
    const value = headers.get(name)
    if (value !== null && !/^[\x20-\x7e]{1,255}$/.test(value)) throw new SealtrailError('BAD_REQUEST', `${name} is 1 to 255 visible ASCII characters`)
  }
}
