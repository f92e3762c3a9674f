import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { SealtrailError } from '../../errors.ts'
import { Tokens } from '../../http/tokens.ts'
import { startServer } from '../../threads/server.ts'
import type { Command } from '../command.ts'
import { DATA_OPTIONS, settings } from '../settings.ts'

export const serve: Command = {
  name: 'serve',
  summary: 'run the server',
  usage: ['[--config sealtrail.yaml] [--data DIR] [--port N]'],
  options: {
    ...DATA_OPTIONS,
    port: { type: 'string', value: 'N', what: 'listen on this port instead of the configured one; 0: any that is free' },
  },
  async run(ctx) {
    if (ctx.words.length > 0) throw new SealtrailError('USAGE', 'serve takes options only')
    const config = settings(ctx, { warn: true })
    makeAdmin(config.data, ctx.now)
    const server = await startServer(config)
    ctx.stdout(ctx.json ? `${JSON.stringify({ listening: server.url })}\n` : `listening ${server.url}\n`)
    await stopped(ctx.stopping)
    await server.close()
    return 0
  },
}

/** The data directory is there, and `admin.token` in it holds a token made at the first start. @throws SealtrailError DATA_UNWRITABLE */
export function makeAdmin(data: string, now: () => number): void {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new SealtrailError('DATA_UNWRITABLE', `the data directory cannot be made (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
  new Tokens({ data, now, random: randomBytes }).ensureAdmin()
}

/** Resolves when the process is asked to end. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
