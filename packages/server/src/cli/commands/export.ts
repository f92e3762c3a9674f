import { createHash } from 'node:crypto'
import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { parseRange } from '../../export/request.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Client } from '../client.ts'
import type { Command, Context } from '../command.ts'
import { count } from '../output.ts'
import { Progress } from '../progress.ts'
import { withClient } from '../with-client.ts'

const POLL_MS = 100

export const exportCommand: Command = {
  name: 'export',
  summary: 'an evidence bundle: records, proofs, time stamps and the values you may see in one file',
  usage: [
    '--subject ID -o FILE.zip [--data DIR | --url URL]',
    '--person ALIAS -o FILE.zip      a customer id, phone number or e-mail address; written nowhere',
    '--person ALIAS --subject-access -o FILE.zip      all that is held on a person, for that person (officer, admin)',
    '--range LOG:A..B -o FILE.zip    every record from number A up to, and without, B; proven whole',
    '--query KEY=VALUE… -o FILE.zip  log, subject, type, status, tag, schema_version, from, to',
  ],
  options: {
    ...CLIENT_OPTIONS,
    subject: { type: 'string', value: 'ID', what: 'conversation or message id' },
    person: { type: 'string', value: 'ALIAS', what: 'whom the records are about' },
    'subject-access': { type: 'boolean', what: 'with --person: found by their keys, not by search; values of others stay sealed' },
    range: { type: 'string', value: 'LOG:A..B', what: 'leaves of one log; without B up to the newest' },
    query: { type: 'string', value: 'KEY=VALUE', what: 'a search; further KEY=VALUE may follow' },
    output: { type: 'string', value: 'FILE', what: 'where the bundle goes; it must not be there yet', short: 'o' },
  },
  async run(ctx) {
    const asked = askedOf(ctx)
    const file = ctx.text('output')
    if (file === undefined) throw new SealtrailError('USAGE', 'say with -o where the bundle goes')
    const path = resolve(ctx.cwd, file)
    if (existsSync(path)) throw new SealtrailError('USAGE', 'the file is there already; nothing is overwritten')
    return withClient(ctx, async (client) => {
      const made = await order(client, asked, ctx)
      await download(client, made, path)
      if (ctx.json) ctx.stdout(`${JSON.stringify(made)}\n`)
      else ctx.stdout(`${file}: ${count(Number(made['records']))} records, ${count(Number(made['size']))} bytes\nSHA-256 ${String(made['sha256'])}\n`)
      return 0
    })
  },
}

function askedOf(ctx: Context): JsonObject {
  const given = ['subject', 'person', 'range', 'query'].filter((kind) => ctx.text(kind) !== undefined)
  const [kind] = given
  if (kind === undefined || given.length !== 1) throw new SealtrailError('USAGE', 'give one of --subject, --person, --range, --query')
  const value = ctx.text(kind) as string
  if (kind !== 'query') {
    if (ctx.words.length > 0) throw new SealtrailError('USAGE', 'export takes options only')
    if (kind === 'range') parseRange(value)
    if (ctx.flag('subject-access')) {
      if (kind !== 'person') throw new SealtrailError('USAGE', '--subject-access goes with --person')
      return { person: value, subject_access: true }
    }
    return { [kind]: value }
  }
  const pairs = [value, ...ctx.words].map((word) => {
    const at = word.indexOf('=')
    if (at < 1) throw new SealtrailError('USAGE', 'a search is written KEY=VALUE')
    return [word.slice(0, at), word.slice(at + 1)]
  })
  return { query: Object.fromEntries(pairs) as JsonObject }
}

/** Orders the bundle and waits for it. @throws SealtrailError with the code that stopped it */
async function order(client: Client, asked: JsonObject, ctx: Context): Promise<JsonObject> {
  const progress = new Progress(ctx, 'export')
  try {
    let job = await askJson(client, 'POST', '/api/v1/exports', { body: JSON.stringify(asked), type: 'application/json' })
    while (job['state'] !== 'ready') {
      if (ctx.stopping.aborted) throw new SealtrailError('NOT_READY', 'stopped; the server goes on, see GET /api/v1/exports')
      const error = job['error'] as { code?: SealtrailError['code']; message?: string } | undefined
      if (job['state'] === 'failed') throw new SealtrailError(error?.code ?? 'INTERNAL', error?.message)
      progress.at(null, `${count(Number(job['records']))} records`)
      await new Promise((done) => setTimeout(done, POLL_MS))
      job = await askJson(client, 'GET', `/api/v1/exports/${String(job['id'])}`)
    }
    return job
  } finally {
    progress.done()
  }
}

/** Under another name until it is whole: half a bundle must not look like one. */
async function download(client: Client, job: JsonObject, path: string): Promise<void> {
  const hash = createHash('sha256')
  const part = `${path}.part`
  try {
    const body = await client.stream(`/api/v1/exports/${String(job['id'])}/bundle`)
    const look = new Transform({
      transform(chunk: Uint8Array, _, done) {
        hash.update(chunk)
        done(null, chunk)
      },
    })
    await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), look, createWriteStream(part, { mode: 0o600 }))
    if (hash.digest('hex') !== job['sha256']) throw new SealtrailError('NOT_READY', 'the bundle was damaged on its way; fetch it again')
    renameSync(part, path)
  } finally {
    rmSync(part, { force: true })
  }
}
