import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import type { Binding } from './binding.ts'
import { compilePack, type PackSource } from './compile.ts'
import type { CompiledPack } from './compiled.ts'
import { Place } from './yaml.ts'

/** By the digest of what was read and the trail: whoever opens data again in the same thread does not compile again. */
const compiled = new Map<string, CompiledPack>()
const MAX_COMPILED = 32

/** Reads and compiles the pack in a folder for a trail. Synchronous: packs are loaded at start. @throws SealtrailError PACK_INVALID, CONFIG_INVALID */
export function loadPack(dir: string, binding: Binding = {}): CompiledPack {
  const { digest, source } = readPack(dir)
  const key = JSON.stringify([digest, binding])
  const known = compiled.get(key)
  if (known !== undefined) return known
  const pack = compilePack(source(), binding)
  if (compiled.size === MAX_COMPILED) compiled.delete(compiled.keys().next().value as string)
  compiled.set(key, pack)
  return pack
}

/** Reads `pack.yaml` and `schema/<version>.json`; messages name files within the pack's folder, not where it lies. */
function readPack(dir: string): { digest: string; source(): PackSource } {
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
    return { version: Number(version), file, bytes }
  })
  const digest = `sha256:${hash.digest('hex')}`
  return {
    digest,
    source: () => ({
      yaml: Place.parse(yaml.toString('utf8'), `${name}/pack.yaml`),
      schemas: schemas.map(({ version, file, bytes }) => ({ version, file, schema: parseJson(bytes, file) })),
      digest,
    }),
  }
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
