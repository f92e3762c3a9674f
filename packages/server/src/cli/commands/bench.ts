import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SealtrailError } from '../../errors.ts'
import type { Command, Exit, Option } from '../command.ts'

/** Of `--cost`; handed on as they are. */
const COST: Readonly<Record<string, Option>> = {
  rate: { type: 'string', value: 'N', what: 'with --cost: events a second (10000)' },
  delay: { type: 'string', value: 'DURATION', what: 'with --cost: seal.maxDelay (100ms)' },
  records: { type: 'string', value: 'N', what: 'with --cost: seal.maxRecords (4000)' },
  months: { type: 'string', value: 'N', what: 'with --cost: how long objects are kept (12)' },
  store: { type: 'string', value: 'NAME', what: 'with --cost: s3, azure or gcs; all three when left out' },
  sample: { type: 'string', value: 'N', what: 'with --cost: events sealed to measure, about (70000)' },
  prices: { type: 'string', value: 'FILE', what: 'with --cost: another price table than bench/cost/prices.yaml' },
}

export const bench: Command = {
  name: 'bench',
  summary: 'measure each stage and the whole on this machine, or what a million events cost in a cloud’s store (in a checkout)',
  usage: ['[-- what npm run bench takes]', '--cost [--rate N] [--delay DURATION] [--records N] [--months N] [--store NAME] [--prices FILE]'],
  options: { cost: { type: 'boolean', what: 'requests, objects, bytes and price of a million events, beside one object an event' }, ...COST },
  async run(ctx) {
    const cost = ctx.flag('cost')
    const given = Object.keys(COST).flatMap((name) => (ctx.text(name) === undefined ? [] : [`--${name}`, ctx.text(name) as string]))
    if (!cost && given.length > 0) throw new SealtrailError('USAGE', `${given[0]} goes with --cost`)
    if (cost && ctx.words.length > 0) throw new SealtrailError('USAGE', '--cost takes options only')
    const script = fileURLToPath(new URL(`../../../bench/${cost ? 'cost/' : ''}main.ts`, import.meta.url))
    if (!existsSync(script)) throw new SealtrailError('USAGE', 'the benchmark is part of the source checkout and is not here')
    const child = spawn(process.execPath, ['--conditions=@sealtrail/source', script, ...given, ...ctx.words, ...(ctx.json ? ['--json'] : [])], {
      stdio: 'inherit',
      cwd: ctx.cwd,
    })
    ctx.stopping.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
    const code = await new Promise<number | null>((resolve, reject) => child.once('exit', resolve).once('error', reject))
    return (code === 0 || code === 1 || code === 2 ? code : 3) satisfies Exit
  },
}
