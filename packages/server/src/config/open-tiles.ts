import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCheckpoint, parseNote, type Tile } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import { publishedPath } from '../publish/published.ts'
import { checkpointFolder, checkpointPath } from '../seal/checkpoint.ts'
import { HashFiles } from '../seal/tiles.ts'
import { SegmentReader } from '../store/segments.ts'
import { ProvenTiles } from '../threads/proven-tiles.ts'
import { ExpiredView } from './expired-view.ts'
import { openHeads, openStoreOf } from './open-store.ts'

/** The logs of a data directory as tiles. */
export interface DirectoryTiles {
  readonly logs: readonly string[]
  /** The log's published checkpoint as text, or null when it has none. Its signatures are for its reader to check. */
  checkpoint(log: string): string | null
  /** A tile of the checkpoint given last; null when the log has none such. @throws SealtrailError DATA_CORRUPT */
  tile(log: string, tile: Tile): Promise<Uint8Array | null>
  close(): Promise<void>
}

/**
 * Opens a data directory to copy its logs, and changes nothing in it: a server may run on it.
 * @param witnessed whether witnesses are configured: then a committed checkpoint is not published by itself.
 * @throws SealtrailError NOT_FOUND when it is no data directory
 */
export async function openTiles(data: string, { witnessed }: { readonly witnessed: boolean }): Promise<DirectoryTiles> {
  if (!existsSync(join(data, 'head.sqlite')) || !existsSync(checkpointFolder(data)))
    throw new SealtrailError('NOT_FOUND', 'this is no data directory: it has no head.sqlite or no checkpoints')
  const heads = openHeads(data, { readOnly: true })
  const store = await openStoreOf(data, { readOnly: true })
  const expired = ExpiredView.over(store, data, (log) => heads.read(log)?.size ?? 0)
  const segments = new SegmentReader(store, { lastSegment: (log) => heads.read(log)?.segment ?? null, expired: expired.view })
  expired.open(segments)
  const opened = new Map<string, HashFiles>()
  const given = new Map<string, { size: number; root: string }>()
  const tiles = new ProvenTiles({
    checkpoint: (log) => given.get(log) ?? null,
    hashes(log) {
      let files = opened.get(log)
      if (files === undefined) opened.set(log, (files = HashFiles.open(join(data, 'tiles', log), { readOnly: true })))
      return files
    },
    range: (log, from, to) => segments.range(log, from, to),
  })
  return {
    logs: readdirSync(checkpointFolder(data))
      .filter((name) => !name.endsWith('.next'))
      .sort(),
    checkpoint(log) {
      const path = publishedPath(data, log)
      const place = existsSync(path) ? path : witnessed ? null : checkpointPath(data, log)
      if (place === null || !existsSync(place)) return null
      const note = readFileSync(place, 'utf8')
      const { size, root } = parseCheckpoint(parseNote(note).text)
      given.set(log, { size: Number(size), root: Buffer.from(root).toString('hex') })
      return note
    },
    tile: (log, tile) => tiles.read(log, tile),
    async close() {
      for (const files of opened.values()) files.close()
      await store.close()
      heads.close()
    },
  }
}
