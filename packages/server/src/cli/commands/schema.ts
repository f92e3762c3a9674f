import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { compileSchemas } from '../../pack/schema.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Command, Context, Exit } from '../command.ts'
import { table } from '../output.ts'
import { withClient } from '../with-client.ts'

export const schema: Command = {
  name: 'schema',
  summary: 'list and add schema versions, check data against a schema',
  usage: ['list [--data DIR | --url URL]', 'add FILE --pack P --version N [--data DIR | --url URL]', 'check FILE [DATA…]'],
  options: {
    ...CLIENT_OPTIONS,
    pack: { type: 'string', value: 'P', what: 'name of the pack' },
    version: { type: 'string', value: 'N', what: 'the next version; one that is there never changes' },
  },
  async run(ctx) {
    const [what, file, ...rest] = ctx.words
    switch (what) {
      case 'list':
        return withClient(ctx, async (client) => {
          const items = (await askJson(client, 'GET', '/api/v1/schemas'))['items'] as JsonObject[]
          if (ctx.json) ctx.stdout(`${JSON.stringify({ items })}\n`)
          else ctx.stdout(table(items.map(({ trail, pack, version, uri }) => [String(trail), String(pack), String(version), String(uri)])))
          return 0
        })
      case 'add': {
        const pack = ctx.text('pack')
        const version = ctx.text('version') ?? ''
        if (file === undefined || rest.length > 0 || pack === undefined || !/^\d{1,6}$/.test(version))
          throw new SealtrailError('USAGE', 'schema add needs FILE, --pack and --version, a number')
        const added = readJson(ctx, file)
        compileSchemas(pack, [{ version: Number(version), file: basename(file), schema: added }])
        return withClient(ctx, async (client) => {
          const answer = await askJson(client, 'POST', '/api/v1/schemas', {
            body: JSON.stringify({ pack, version: Number(version), schema: added }),
            type: 'application/json',
          })
          ctx.stdout(ctx.json ? `${JSON.stringify(answer)}\n` : `added version ${version} of ${pack}, in use ${String(answer['active'])}\n`)
          return 0
        })
      }
      case 'check':
        if (file === undefined) throw new SealtrailError('USAGE', 'schema check needs FILE')
        return check(ctx, file, rest)
      default:
        throw new SealtrailError('USAGE', 'schema: one of list, add, check')
    }
  },
}

/** Whether the file is a JSON Schema 2020-12 that can be used, and whether data fits it: exactly, as a newer shape, or not. */
function check(ctx: Context, file: string, data: readonly string[]): Exit {
  const schemas = compileSchemas('check', [{ version: 1, file: basename(file), schema: readJson(ctx, file) }])
  const verdicts = data.map((name) => {
    const verdict = schemas.judge(readJson(ctx, name))
    return 'broken' in verdict
      ? { file: name, fits: 'no', broken: verdict.broken }
      : { file: name, fits: verdict.schema.endsWith('#newer') ? 'as a newer shape' : 'yes' }
  })
  if (ctx.json) ctx.stdout(`${JSON.stringify({ schema: 'ok', data: verdicts })}\n`)
  else {
    ctx.stdout('ok  the schema can be used\n')
    for (const verdict of verdicts)
      ctx.stdout(
        `${verdict.fits === 'no' ? 'NO' : 'ok'}  ${verdict.file}: ${verdict.fits === 'yes' ? 'fits' : verdict.fits === 'no' ? `breaks ${verdict.broken}` : 'a newer shape: sealed, and marked'}\n`,
      )
  }
  return verdicts.some(({ fits }) => fits === 'no') ? 1 : 0
}

function readJson(ctx: Context, file: string): JsonObject {
  let text: string
  try {
    text = readFileSync(resolve(ctx.cwd, file), 'utf8')
  } catch (cause) {
    throw new SealtrailError('USAGE', `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch {
    // Said below; the parser's own words would repeat the text.
  }
  throw new SealtrailError('USAGE', `${file} is no JSON object`)
}
