import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import type { Binding } from './binding.ts'
import { compilePack, type PackSource } from './compile.ts'
import type { CompiledPack } from './compiled.ts'
import { Place } from './yaml.ts'

/** Reads and compiles the pack in a folder for a trail. Synchronous: packs are loaded at start. @throws SealtrailError PACK_INVALID, CONFIG_INVALID */
export function loadPack(dir: string, binding: Binding = {}): CompiledPack {
  return compilePack(readPack(dir), binding)
}

/** Reads `pack.yaml` and `schema/<version>.json`; messages name files within the pack's folder, not where it lies. */
function readPack(dir: string): PackSource {
  const name = basename(dir)
  const yaml = read(join(dir, 'pack.yaml'), `${name}/pack.yaml`)
  const hash = createHash('sha256').update(`pack.yaml ${yaml.length}\n`).update(yaml)
  const folder = join(dir, 'schema')
  const schemas = (existsSync(folder) ? readdirSync(folder).sort() : []).map((entry) => {
    const file = `${name}/schema/${entry}`
    const version = /^([1-9]\d{0,5})\.json$/.exec(entry)?.[1]
    if (version === undefined) throw new SealtrailError('PACK_INVALID', `${file}: a schema is called by its version, as in 1.json`)
    const bytes = read(join(folder, entry), file)
    hash.update(`schema/${entry} ${bytes.length}\n`).update(bytes)
    return { version: Number(version), file, schema: parseJson(bytes, file) }
  })
  return { yaml: Place.parse(yaml.toString('utf8'), `${name}/pack.yaml`), schemas, digest: `sha256:${hash.digest('hex')}` }
}

function read(path: string, file: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new SealtrailError('PACK_INVALID', `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

function parseJson(bytes: Buffer, file: string): JsonObject {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value as JsonObject
  } catch (error) {
    throw new SealtrailError('PACK_INVALID', `${file}: ${(error as Error).message}`)
  }
  throw new SealtrailError('PACK_INVALID', `${file}: a JSON Schema is an object`)
}
