import { formatTilePath, type Tile } from '@sealtrail/tlog'
import { openTiles } from '../../config/open-tiles.ts'
import { SealtrailError } from '../../errors.ts'
import { serverAddress } from '../client.ts'
import type { Context } from '../command.ts'
import { settings } from '../settings.ts'

/** Where tiles are copied from: a data directory or a server. attacker: neither is believed, the copy is led to the checkpoint's root. */
export interface TileSource {
  readonly logs: readonly string[]
  /** The published checkpoint as text, or null when the log has none. */
  checkpoint(log: string): Promise<string | null>
  /** The tile in exactly this width. @throws SealtrailError NOT_FOUND, DATA_CORRUPT */
  tile(log: string, tile: Tile): Promise<Uint8Array>
  close(): Promise<void>
}

/** @throws SealtrailError USAGE, NOT_FOUND when there is no data directory */
export async function openSource(ctx: Context): Promise<TileSource> {
  const local = ctx.text('data') !== undefined || ctx.text('config') !== undefined
  if (local && ctx.text('url') !== undefined) throw new SealtrailError('USAGE', 'give --data or --url, not both')
  return local ? await fromDirectory(ctx) : fromServer(ctx)
}

async function fromDirectory(ctx: Context): Promise<TileSource> {
  const config = settings(ctx, { warn: true })
  const tiles = await openTiles(config.data, { witnessed: config.witnesses !== null })
  const named = ctx.text('log')
  return {
    logs: named === undefined ? tiles.logs : [named],
    checkpoint: async (log) => (tiles.logs.includes(log) ? tiles.checkpoint(log) : null),
    async tile(log, tile) {
      const bytes = await tiles.tile(log, tile)
      if (bytes === null) throw new SealtrailError('NOT_FOUND', `log ${log} has no ${formatTilePath(tile)}`)
      return bytes
    },
    close: () => tiles.close(),
  }
}

/** A bundle of 256 entries of 65,535 bytes, and no more. */
const MAX_ANSWER_BYTES = 256 * 65_537
/** A server that asks to come back, or a connection that broke. */
const TRIES = 4
const WAIT_MS = 1_000

function fromServer(ctx: Context): TileSource {
  const named = ctx.text('log')
  if (named === undefined) throw new SealtrailError('USAGE', 'name the log to copy from a server: --log NAME')
  const base = serverAddress(ctx)
  const token = ctx.env['SEALTRAIL_TOKEN']
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  async function get(log: string, path: string): Promise<{ status: number; bytes: Uint8Array }> {
    for (let tries = 1; ; tries++) {
      let failure: unknown
      try {
        const answer = await fetch(`${base}/log/${encodeURIComponent(log)}/${path}`, { headers })
        if (answer.status !== 503) return { status: answer.status, bytes: await bounded(answer) }
      } catch (cause) {
        if (cause instanceof SealtrailError) throw cause
        failure = cause
      }
      if (tries === TRIES || ctx.stopping.aborted) throw new SealtrailError('NOT_READY', `no server answers at ${base}`, { cause: failure })
      await new Promise((resolve) => setTimeout(resolve, WAIT_MS))
    }
  }
  return {
    logs: [named],
    async checkpoint(log) {
      const { status, bytes } = await get(log, 'checkpoint')
      if (status === 404) return null
      if (status !== 200) throw refused(status)
      return Buffer.from(bytes).toString('utf8')
    },
    async tile(log, tile) {
      const { status, bytes } = await get(log, formatTilePath(tile))
      if (status === 404) throw new SealtrailError('NOT_FOUND', `the server has no ${formatTilePath(tile)}`)
      if (status !== 200) throw refused(status)
      return bytes
    },
    close: async () => {},
  }
}

async function bounded(answer: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body ?? []) {
    size += chunk.length
    // attacker: a server that never ends.
    if (size > MAX_ANSWER_BYTES) throw new SealtrailError('DATA_CORRUPT', 'the server answers with more than a tile can hold')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

function refused(status: number): SealtrailError {
  if (status === 401) return new SealtrailError('UNAUTHENTICATED', 'the server wants a token: set SEALTRAIL_TOKEN')
  if (status === 403) return new SealtrailError('FORBIDDEN', 'the token may not read this log')
  if (status === 500) return new SealtrailError('DATA_CORRUPT', 'the server does not hand the tile out: what it stores does not lead to its checkpoint')
  return new SealtrailError('NOT_READY', `the server answers ${status}`)
}
