import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { loadConfig } from '../../config/load.ts'
import { SealtrailError } from '../../errors.ts'
import { createLog } from '../../observe/log.ts'
import { startServer } from '../../threads/server.ts'
import type { Server } from '../../threads/server.ts'
import type { Command, Context, Exit } from '../command.ts'
import { tellAudit, tellSearch } from '../demo/audit-steps.ts'
import { tellCall, tellPrivacy, tellState } from '../demo/call-steps.ts'
import { conversationId, idsOf, messageId } from '../demo/envelope.ts'
import { tellErasure } from '../demo/erase-steps.ts'
import { DemoClient } from '../demo/http.ts'
import { tellDuplicate, tellMessage, tellReceipt } from '../demo/message-steps.ts'
import { Story } from '../demo/story.ts'
import { settings } from '../settings.ts'
import { makeAdmin, stopped } from './serve.ts'

/** A call is over and nothing more comes: half a second is enough in a demo. */
const SEQUENCE = { settleMs: 500, quietMs: 3_000, holdMs: 6_000 }
/** The call of the demo began ten minutes ago. */
const BEGAN_MS = 600_000

export const demo: Command = {
  name: 'demo',
  summary: 'the main job in a minute, on this machine, nothing to set up',
  usage: ['[--once] [--port N] [--data DIR]'],
  options: {
    once: { type: 'boolean', what: 'end when all is shown; exit 0 if everything was as it should be' },
    port: { type: 'string', value: 'N', what: 'listen on this port; any that is free unless given' },
    data: { type: 'string', value: 'DIR', what: 'keep the data there; a temporary directory unless given' },
  },
  async run(ctx) {
    if (ctx.words.length > 0) throw new SealtrailError('USAGE', 'demo takes options only')
    const scratch = mkdtempSync(join(tmpdir(), 'sealtrail-demo-'))
    try {
      return await tell(ctx, scratch)
    } finally {
      rmSync(scratch, { recursive: true, force: true })
    }
  },
}

async function tell(ctx: Context, scratch: string): Promise<Exit> {
  const config = demoConfig(ctx, join(scratch, 'data'))
  const story = new Story(ctx, ctx.json)
  const startedMs = ctx.now()
  const log = createLog({ now: ctx.now, level: 'warn', write: (line) => ctx.stderr(line) })
  story.say('Sealtrail turns contact-centre events into evidence. This demo does the main job once, on this machine only; everything you see happens for real.')

  story.step('The server starts')
  makeAdmin(config.data, ctx.now)
  const token = readFileSync(join(config.data, 'admin.token'), 'utf8').trim()
  let server = await startServer(config, { log })
  const url = server.url
  story.say(`${url}, data in ${config.data}`)
  story.say(
    `A call is sealed when it has been over for ${SEQUENCE.settleMs / 1000} s; a real server waits 5 s, and longer while parts of the call are missing.`,
  )
  const http = new DemoClient(url, token)
  const callMs = Math.floor((startedMs - BEGAN_MS) / 1000) * 1000
  const ids = idsOf(startedMs)
  const vkey = server.sealing.vkey('interactions')
  try {
    const records = await tellCall(story, http, ids, callMs)
    await tellState(story, http, ids, callMs)
    await tellPrivacy(story, http, records)
    await tellMessage(story, http, ids, callMs + 400_000)
    await tellDuplicate(story, http, ids, callMs)
    await tellReceipt(story, http, String(records[0]?.['auditid']), vkey)
    await tellErasure(story, http, ids, server.sealing.vkey('system'))
  } finally {
    await server.close()
  }
  await tellSearch(story, config.data)
  await tellAudit(story, config.data, join(scratch, 'copy'), vkey, ctx.now)

  const seconds = Math.round((ctx.now() - startedMs) / 100) / 10
  if (ctx.json) ctx.stdout(`${JSON.stringify({ ok: story.ok, seconds, checks: story.checks })}\n`)
  else
    ctx.stdout(
      `\n${story.ok ? 'Everything was as it should be' : 'NOT everything was as it should be'}: ${story.checks.filter(({ ok }) => ok).length} of ${story.checks.length} checks, ${seconds} s.\n`,
    )
  if (ctx.flag('once')) return story.ok ? 0 : 1

  server = await startServer({ ...config, listen: { ...config.listen, port: portOf(url) } }, { log })
  stayUp(ctx, server, config, [
    `/api/v1/audit/interactions/${conversationId(ids)}`,
    `/api/v1/audit/notifications?message_uuid=${messageId(ids)}`,
    `/log/interactions/checkpoint`,
  ])
  await stopped(ctx.stopping)
  await server.close()
  return story.ok ? 0 : 1
}

function demoConfig(ctx: Context, fallback: string): Config {
  const port = ctx.text('port')
  const config =
    ctx.text('data') === undefined
      ? loadConfig(null, { cwd: ctx.cwd, env: ctx.env, data: fallback, port: port === undefined ? 0 : settings(ctx, { warn: false }).listen.port }).config
      : settings(ctx, { warn: false })
  const trails = Object.fromEntries(
    Object.entries(config.trails).map(([name, trail]) => [name, name === 'interactions' ? { ...trail, sequence: SEQUENCE } : trail]),
  )
  return {
    ...config,
    trails,
    listen: { ...config.listen, port: port === undefined ? 0 : config.listen.port },
    ingestThreads: Math.min(config.ingestThreads, 2),
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port)
}

function stayUp(ctx: Context, server: Server, config: Config, paths: readonly string[]): void {
  if (ctx.json) {
    ctx.stdout(`${JSON.stringify({ listening: server.url, token: join(config.data, 'admin.token') })}\n`)
    return
  }
  ctx.stdout(`\nThe server stays up at ${server.url} until you press Ctrl-C. Its admin token is in ${join(config.data, 'admin.token')}\n\nTry:\n`)
  for (const path of paths) ctx.stdout(`  curl -s -H "Authorization: Bearer $(cat ${join(config.data, 'admin.token')})" '${server.url}${path}'\n`)
}
