import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { SealtrailError } from '../errors.ts'
import type { JsonObject, JsonValue } from '../event/json.ts'

export interface SchemaVersion {
  readonly version: number
  /** `urn:sealtrail:schema:<pack>:<version>` */
  readonly uri: string
  readonly schema: JsonObject
}

export type SchemaVerdict = { readonly schema: string } | { readonly broken: string }

/** Judges mapped data against all versions of a pack's schema. */
export interface Schemas {
  readonly versions: readonly SchemaVersion[]
  /**
   * The newest version the data fits exactly; else the newest it fits but for unknown fields and enum values, marked
   * `#newer`; else what is broken, as a path of the schema (never of the data, whose keys may be personal).
   */
  judge(data: JsonObject): SchemaVerdict
}

/** Version 0 stands for a pack without schemas, which takes any data. @throws SealtrailError PACK_INVALID when a schema is no JSON Schema 2020-12. */
export function compileSchemas(pack: string, files: readonly { readonly version: number; readonly file: string; readonly schema: JsonObject }[]): Schemas {
  if (files.length === 0) return { versions: [], judge: () => ({ schema: `urn:sealtrail:schema:${pack}:0` }) }
  const compiled = [...files]
    .sort((a, b) => b.version - a.version)
    .map(({ version, file, schema }) => {
      const uri = `urn:sealtrail:schema:${pack}:${version}`
      const strict = compile(schema, file)
      return { version, uri, newer: `${uri}#newer`, schema, strict, loose: onceNeeded(() => compileLoosened(schema, file, strict)) }
    })
  return {
    versions: compiled.map(({ version, uri, schema }) => ({ version, uri, schema })),
    judge(data) {
      for (const { strict, uri } of compiled) if (strict(data)) return { schema: uri }
      for (const { loose, newer } of compiled) if (loose()(data)) return { schema: newer }
      const error = compiled[0]!.loose().errors![0]!
      return { broken: `${error.schemaPath}${error.keyword === 'required' ? `: ${String(error.params['missingProperty'])}` : ''}` }
    },
  }
}

function compile(schema: JsonObject, file: string): ValidateFunction {
  try {
    const { $id: _, ...anonymous } = schema
    return new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, validateFormats: false }).compile(anonymous)
  } catch (error) {
    throw new SealtrailError('PACK_INVALID', `${file}: ${(error as Error).message}`)
  }
}

/** A schema that points into a part loosening takes away is as strict as it is. */
function compileLoosened(schema: JsonObject, file: string, strict: ValidateFunction): ValidateFunction {
  try {
    return compile(loosen(schema) as JsonObject, file)
  } catch {
    return strict
  }
}

/** Most data fits exactly, and compiling a schema costs a start more than reading it. */
function onceNeeded<T>(make: () => T): () => T {
  let made: T | undefined
  return () => (made ??= make())
}

/** The schema without what only a newer sender could break: closed objects and closed value lists. Types and required fields stay. */
function loosen(schema: JsonValue): JsonValue {
  if (Array.isArray(schema)) return schema.map(loosen)
  if (schema === null || typeof schema !== 'object') return schema
  const out: JsonObject = {}
  for (const [key, value] of Object.entries(schema)) {
    if (key === 'enum' || ((key === 'additionalProperties' || key === 'unevaluatedProperties') && value === false)) continue
    out[key] = key === 'properties' || key === '$defs' ? Object.fromEntries(Object.entries(value as JsonObject).map(([k, v]) => [k, loosen(v)])) : loosen(value)
  }
  return out
}
