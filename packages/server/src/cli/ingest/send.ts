import { SealtrailError } from '../../errors.ts'
import type { InputResult } from '../../event/input.ts'
import { askJson } from '../client.ts'
import type { Client } from '../client.ts'
import type { Piece } from './pieces.ts'

const WAITS_MS = [500, 1_000, 2_000, 4_000, 8_000]
const AGAIN: ReadonlySet<string> = new Set(['NOT_DURABLE', 'OVERLOADED', 'NOT_READY'])

/**
 * Sends a piece, again after a while when the server cannot take it at the moment: what it had taken is then a duplicate
 * for it and counts as such. Resolves to one result per event. @throws SealtrailError when it still cannot, or will not.
 */
export async function sendPiece(client: Client, piece: Piece, trail: string | undefined, stopping: AbortSignal): Promise<InputResult[]> {
  for (let tries = 0; ; tries++) {
    try {
      const answer = await client.request('POST', '/api/v1/events', { query: { trail }, body: piece.body, type: piece.type })
      // A text that is one object is answered as one event, with the status of its outcome.
      const parsed: unknown = answer.text.startsWith('[') || answer.text.startsWith('{') ? JSON.parse(answer.text) : null
      if (Array.isArray(parsed)) return parsed as InputResult[]
      if (typeof parsed === 'object' && parsed !== null && 'outcome' in parsed) return [parsed as InputResult]
      await askJson({ ...client, request: async () => answer }, 'POST', '/api/v1/events')
      throw new SealtrailError('INTERNAL', 'the server answered with something else than results')
    } catch (error) {
      const wait = WAITS_MS[tries]
      if (!(error instanceof SealtrailError) || !AGAIN.has(error.code) || wait === undefined || stopping.aborted) throw error
      await new Promise((resolve) => setTimeout(resolve, wait))
    }
  }
}
