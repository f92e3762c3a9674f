import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { testPack } from '../../pack/check.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Command, Context, Exit } from '../command.ts'
import { printable, some, table } from '../output.ts'
import { withClient } from '../with-client.ts'

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
        else ctx.stdout(table(items.map(({ trail, name, version, digest }) => [String(trail), `${String(name)} ${String(version)}`, String(digest)])))
        return 0
      })
    }
    throw new SealtrailError('USAGE', 'pack: test DIR, or list')
  },
}

function test(ctx: Context, folder: string): Exit {
  if (!existsSync(folder)) throw new SealtrailError('USAGE', 'there is no such folder')
  const report = testPack(folder, { update: ctx.flag('update') })
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
  for (const line of report.untested) ctx.stdout(`note     ${printable(line)}: no sample reaches it\n`)
  const name = report.name === null ? 'the pack' : `${report.name} ${report.version}`
  ctx.stdout(`${report.ok ? 'ok       ' : 'NOT OK   '}${name}: ${some(report.samples.length, 'sample')}\n`)
  return report.ok ? 0 : 1
}
