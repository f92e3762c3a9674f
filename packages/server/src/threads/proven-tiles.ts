import { formatBundle, HASH_SIZE, leafHash, nodesFromTiles, rootFromInclusion, rootFromNodes, rootOf, TILE_WIDTH, tileWidth } from '@sealtrail/tlog'
import type { Tile } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { Tiles } from '../http/ports.ts'
import { EXPIRED_RECORD } from '../store/segments.ts'

/** A checkpoint whose signature was checked; `root` is lower-case hex. */
interface Signed {
  readonly size: number
  readonly root: string
}

export interface ProvenTilesDeps {
  /** The newest committed checkpoint, its signature checked, or null when there is no such log. */
  checkpoint(log: string): Signed | null
  /** The log's hash files (seal/tiles.ts). */
  hashes(log: string): {
    tile(level: number, n: number, width: number): Uint8Array | null
    prove(index: number, size: number): Uint8Array[]
  }
  /** Committed records [from, to). */
  range(log: string, from: number, to: number): AsyncIterable<Uint8Array>
}

/** What is known of a log: its checkpoint, and the tiles on its right edge, which together lead to the root. */
interface Known extends Signed {
  readonly edge: ReadonlyMap<string, Uint8Array>
}

/**
 * Tiles and entry bundles as C2SP tlog-tiles has them, for sizes up to the newest committed checkpoint. Nothing leaves
 * that does not lead to the root of a signed checkpoint: neither hash files nor segments are believed.
 */
export class ProvenTiles implements Tiles {
  readonly #deps: ProvenTilesDeps
  readonly #known = new Map<string, Known>()

  constructor(deps: ProvenTilesDeps) {
    this.#deps = deps
  }

  async read(log: string, tile: Tile): Promise<Uint8Array | null> {
    const known = this.#covering(log, tile)
    if (known === null) return null
    // Within a committed size, so it fits a number.
    const n = Number(tile.index)
    if (tile.level !== 'entries') return this.#hashes(log, known, tile.level, n).subarray(0, tile.width * HASH_SIZE)
    return await this.#entries(log, n, tile.width, this.#hashes(log, known, 0, n))
  }

  /** The known state that holds the tile in the width asked for, or null when the log has no such tile. */
  #covering(log: string, { level, index, width }: Tile): Known | null {
    const holds = (size: number): boolean => tileWidth(level, index, BigInt(size)) >= width
    const known = this.#known.get(log)
    if (known !== undefined && holds(known.size)) return known
    const signed = this.#deps.checkpoint(log)
    if (signed === null || !holds(signed.size)) return null
    const fresh = { ...signed, edge: this.#provenEdge(log, signed) }
    this.#known.set(log, fresh)
    return fresh
  }

  /** Reads the partial tiles of the checkpoint's size, which hold exactly the hashes its root is made of, and leads them there. */
  #provenEdge(log: string, { size, root }: Signed): Map<string, Uint8Array> {
    const edge = new Map<string, Uint8Array>()
    const found = rootFromNodes(
      BigInt(size),
      nodesFromTiles(BigInt(size), (tiles) =>
        tiles.map(({ level, index, width }) => {
          const bytes = this.#stored(log, level as number, Number(index), width)
          edge.set(`${level}/${index}`, bytes)
          return bytes
        }),
      ),
    )
    if (hex(found) !== root) throw damaged(log, 'the hashes on its right edge')
    return edge
  }

  /** The widest form of a hash tile at the known size, led to the root. */
  #hashes(log: string, known: Known, level: number, n: number): Uint8Array {
    const partial = known.edge.get(`${level}/${n}`)
    if (partial !== undefined) return partial
    const bytes = this.#stored(log, level, n, TILE_WIDTH)
    // A tree over blocks of 256^(level+1) leaves splits where the tree over its leaves does (RFC 6962 §2.1): the proof of
    // the block's first leaf, without its part inside the block, is the proof of the block.
    const below = 8 * (level + 1)
    const block = 2 ** below
    let root: string
    try {
      const proof = this.#deps.hashes(log).prove(n * block, known.size)
      root = hex(rootFromInclusion(BigInt(n), BigInt(Math.ceil(known.size / block)), rootOf(bytes), proof.slice(below)))
    } catch (cause) {
      throw damaged(log, `tile ${level}/${n}`, cause)
    }
    if (root !== known.root) throw damaged(log, `tile ${level}/${n}, or a hash above it,`)
    return bytes
  }

  #stored(log: string, level: number, n: number, width: number): Uint8Array {
    const bytes = this.#deps.hashes(log).tile(level, n, width)
    if (bytes === null) throw damaged(log, `tile ${level}/${n}`)
    return bytes
  }

  async #entries(log: string, n: number, width: number, hashes: Uint8Array): Promise<Uint8Array> {
    const first = n * TILE_WIDTH
    const entries: Uint8Array[] = []
    for await (const entry of this.#deps.range(log, first, first + width)) {
      if (entry === EXPIRED_RECORD) throw new SealtrailError('RECORDS_EXPIRED', `log ${log}: record ${first + entries.length} has expired`)
      const at = entries.length * HASH_SIZE
      if (Buffer.compare(leafHash(entry), hashes.subarray(at, at + HASH_SIZE)) !== 0) throw damaged(log, `record ${first + entries.length}`)
      entries.push(entry)
    }
    return formatBundle(entries)
  }
}

function damaged(log: string, what: string, cause?: unknown): SealtrailError {
  return new SealtrailError('DATA_CORRUPT', `log ${log}: ${what} does not lead to the signed root, and is not handed out`, { cause })
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
