import { randomBytes } from 'node:crypto'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { logsOf } from '../../config/logs.ts'
import { knownPlace } from '../../config/open-store.ts'
import type { StoreConfig } from '../../config/store-config.ts'
import { SealtrailError } from '../../errors.ts'
import type { Command, Context } from '../command.ts'
import { checkClock } from '../doctor/clock.ts'
import type { Finding } from '../doctor/finding.ts'
import { checkKeys } from '../doctor/keys.ts'
import { checkRetention } from '../doctor/retention.ts'
import { checkDisk, checkStorage } from '../doctor/storage.ts'
import { checkStore, checkTable } from '../doctor/store.ts'
import { checkTimestamps } from '../doctor/timestamps.ts'
import { DATA_OPTIONS } from '../settings.ts'

/** Where the text of a finding begins. */
const INDENT = 21

export const doctor: Command = {
  name: 'doctor',
  summary: 'check configuration, storage, the store’s lock, disk, keys, clock and time-stamp authorities',
  usage: ['[--config FILE] [--data DIR]'],
  options: DATA_OPTIONS,
  async run(ctx) {
    if (ctx.words.length > 0) throw new SealtrailError('USAGE', 'doctor takes options only')
    const findings = await look(ctx)
    const ok = findings.every(({ level }) => level !== 'fail')
    if (ctx.json) ctx.stdout(`${JSON.stringify({ ok, findings })}\n`)
    else
      for (const { area, level, text, todo, checks } of findings)
        ctx.stdout(
          `${level.padEnd(5)} ${area.padEnd(14)} ${text}${todo === undefined ? '' : `\n${' '.repeat(INDENT)}-> ${todo}`}\n${
            checks === undefined ? '' : `${checkTable(checks, INDENT, ctx.columns)}`
          }`,
        )
    return ok ? 0 : 1
  },
}

async function look(ctx: Context): Promise<Finding[]> {
  const data = ctx.text('data')
  let loaded
  try {
    loaded = loadConfig(ctx.text('config') ?? null, { cwd: ctx.cwd, env: ctx.env, ...(data === undefined ? {} : { data }) })
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error
    return error.message
      .split('\n')
      .map((text): Finding => ({ area: 'configuration', level: 'fail', text, todo: 'correct it; docs/configuration.md has every key' }))
  }
  const { config, warnings } = loaded
  const findings: Finding[] = warnings.map(({ line, message }): Finding => ({
    area: 'configuration',
    level: 'warn',
    text: line === 0 ? message : `line ${line}: ${message}`,
  }))
  if (findings.length === 0) findings.push({ area: 'configuration', level: 'ok', text: ctx.text('config') === undefined ? 'the defaults' : 'valid' })
  findings.push(...checkStorage(config.data, randomBytes(6).toString('hex')), ...checkDisk(config.data))
  findings.push(...(await checkKeys(config, ctx.env, ctx.now())))
  const store = storeOf(ctx, config)
  if ('level' in store) findings.push(store)
  else {
    const waiting = (text: string): void => void (ctx.terminal && ctx.stderr(`${text}\n`))
    findings.push(...(await checkStore(config.data, store, logsOf(config), { now: () => ctx.now(), random: randomBytes, waiting })))
    findings.push(...(await checkClock({ data: config.data, store }, ctx.now(), config.clock.acceptMs)))
  }
  findings.push(...checkRetention(config))
  findings.push(...(await checkTimestamps(config, { now: () => ctx.now(), random: randomBytes, env: ctx.env })))
  return findings
}

/** Where the evidence is: as the configuration says, or without one as the data directory does. */
function storeOf(ctx: Context, config: Config): StoreConfig | Finding {
  if (ctx.text('config') !== undefined) return config.store
  try {
    return { ...config.store, place: knownPlace(config.data) }
  } catch (error) {
    if (!(error instanceof SealtrailError)) throw error
    return { area: 'store', level: 'fail', code: error.code, text: error.message, todo: 'name the store in the configuration and give it with --config' }
  }
}
