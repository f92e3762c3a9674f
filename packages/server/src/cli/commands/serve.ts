import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { SealtrailError } from '../../errors.ts'
import { rawLog } from '../../event/raw-log.ts'
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
    'test-add': {
      type: 'string',
      value: 'NAME',
      what: 'for load tests only: POST /add appends any line of text to a log raw.NAME of its own; refused unless the address is a loopback one',
    },
    port: { type: 'string', value: 'N', what: 'listen on this port instead of the configured one; 0: any that is free' },
  },
  async run(ctx) {
    if (ctx.words.length > 0) throw new SealtrailError('USAGE', 'serve takes options only')
    const config = settings(ctx, { warn: true })
    const testAdd = ctx.text('test-add')
    if (testAdd !== undefined) {
      rawLog(testAdd)
      if (!isLoopback(config.listen.host))
        throw new SealtrailError('USAGE', '--test-add is for load tests: it needs an address of this machine alone, such as 127.0.0.1')
    }
    makeAdmin(config.data, ctx.now)
    const server = await startServer(config, testAdd === undefined ? {} : { testAdd })
    ctx.stdout(ctx.json ? `${JSON.stringify({ listening: server.url })}\n` : `listening ${server.url}\n`)
    await stopped(ctx.stopping)
    await server.close()
    return 0
  },
}

/** Whether only this machine reaches the address: a name could lead anywhere, so it must be one of these. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host)
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
