import { basename } from 'node:path'
import type { Config } from '../config/config.ts'
import { formatRemark, loadConfig } from '../config/load.ts'
import { SealtrailError } from '../errors.ts'
import type { Context, Option } from './command.ts'

/** The options by which a command finds a data directory. */
export const DATA_OPTIONS: Readonly<Record<'data' | 'config', Option>> = {
  data: { type: 'string', value: 'DIR', what: 'the data directory, opened by this command itself' },
  config: { type: 'string', value: 'FILE', what: 'the configuration the data directory is used with (sealtrail.yaml)' },
}

/** The configuration as the command line says it. Warnings go to stderr when `warn`. @throws SealtrailError CONFIG_INVALID, USAGE */
export function settings(ctx: Context, options: { readonly warn: boolean }): Config {
  const file = ctx.text('config') ?? null
  const data = ctx.text('data')
  const port = ctx.text('port')
  const { config, warnings } = loadConfig(file, {
    cwd: ctx.cwd,
    env: ctx.env,
    ...(data === undefined ? {} : { data }),
    ...(port === undefined ? {} : { port: portOf(port) }),
  })
  if (options.warn) for (const warning of warnings) ctx.stderr(`warning: ${formatRemark(file === null ? 'defaults' : basename(file), warning)}\n`)
  return config
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new SealtrailError('USAGE', '--port is a number from 0 to 65535')
  return port
}
