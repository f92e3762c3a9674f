import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { testPack } from '../../pack/check.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Command, Context, Exit } from '../command.ts'
import { printable, some, table } from '../output.ts'
import { protectSample } from '../protect-sample.ts'
import { withClient } from '../with-client.ts'

const KINDS: Readonly<Record<string, string>> = {
  card: 'a card number',
  iban: 'an IBAN',
  email: 'an e-mail address',
  phone: 'a telephone number',
  ssn: 'a social security number',
}

export const pack: Command = {
  name: 'pack',
  summary: 'test a pack on its samples, list the packs in use',
  usage: ['test DIR [--update]', 'list [--data DIR | --url URL]'],
  options: { ...CLIENT_OPTIONS, update: { type: 'boolean', what: 'write expected/ from what the samples give now; read the difference before you keep it' } },
  async run(ctx) {
    const [what, folder, ...rest] = ctx.words
    if (what === 'test' && folder !== undefined && rest.length === 0) return test(ctx, resolve(ctx.cwd, folder))
    if (what === 'list' && folder === undefined) {
      return withClient(ctx, async (client) => {
        const items = (await askJson(client, 'GET', '/api/v1/packs'))['items'] as JsonObject[]
        if (ctx.json) ctx.stdout(`${JSON.stringify({ items })}\n`)
        else {
          ctx.stdout(table(items.map(({ trail, name, version, digest }) => [String(trail), `${String(name)} ${String(version)}`, String(digest)])))
          for (const line of detectedLines(items)) ctx.stdout(`${line}\n`)
        }
        return 0
      })
    }
    throw new SealtrailError('USAGE', 'pack: test DIR, or list')
  },
}

function test(ctx: Context, folder: string): Exit {
  if (!existsSync(folder)) throw new SealtrailError('USAGE', 'there is no such folder')
  const report = testPack(folder, { update: ctx.flag('update'), protect: protectSample })
  if (ctx.json) {
    ctx.stdout(`${JSON.stringify(report)}\n`)
    return report.ok ? 0 : 1
  }
  for (const { file, outcome, difference } of report.samples) {
    if (difference !== null) ctx.stdout(`differs  ${file} (${outcome}): ${printable(difference, true)}\n`)
  }
  for (const problem of report.problems) ctx.stdout(`problem  ${printable(problem, true)}\n`)
  for (const { path, method } of report.methods) if (method !== 'plain') ctx.stdout(`field    ${printable(path)}: ${printable(method)}\n`)
  for (const path of report.unclassified) ctx.stdout(`note     ${printable(path)} is in no class: committed by default\n`)
  for (const { path, kind, samples } of report.detected)
    ctx.stdout(`note     ${printable(path)} is plain, and in ${some(samples, 'sample')} holds ${KINDS[kind]}: it is committed; say whose it is\n`)
  for (const { file, why } of report.refused) ctx.stdout(`note     ${file} is refused: ${printable(why)}\n`)
  for (const line of report.untested) ctx.stdout(`note     ${printable(line)}: no sample reaches it\n`)
  const name = report.name === null ? 'the pack' : `${report.name} ${report.version}`
  ctx.stdout(`${report.ok ? 'ok       ' : 'NOT OK   '}${name}: ${some(report.samples.length, 'sample')}\n`)
  return report.ok ? 0 : 1
}

/** What is found in fields the packs call plain, since the server started. */
function detectedLines(items: readonly JsonObject[]): string[] {
  const rows = items.flatMap((item) =>
    ((item['detected'] ?? []) as JsonObject[]).map(
      ({ field, kind, hits }) => `  ${String(item['trail'])} ${printable(String(field))}: ${String(hits)} times ${KINDS[String(kind)] ?? String(kind)}`,
    ),
  )
  return rows.length === 0 ? [] : ['found since the start in fields that are called plain, and committed (correct the pack):', ...rows]
}
