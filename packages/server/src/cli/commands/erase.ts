import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import type { ErasurePlan, ErasureView } from '../../privacy/erasure.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Client } from '../client.ts'
import type { Command, Context, Exit } from '../command.ts'
import { blockText, planText, stateText } from '../erasure-text.ts'
import { namesFrom } from '../names.ts'
import { count, table } from '../output.ts'
import { Progress } from '../progress.ts'
import { withClient } from '../with-client.ts'

const ERASURES = '/api/v1/erasures'
const FORMS = 'erase: plan, request, approve ID, withdraw ID, list, show ID or certificate ID'
const POLL_MS = 500

export const erase: Command = {
  name: 'erase',
  summary: 'a person’s values destroyed for ever, every record and proof kept: planned, asked for, approved',
  usage: [
    'plan --person ALIAS [--person ALIAS…] [--data DIR | --url URL]',
    'request --person ALIAS [--person ALIAS…] --ground TEXT [--reference TEXT] [--data DIR | --url URL]',
    'approve ID [--data DIR | --url URL]     the second person, where auth.dualControl asks for one',
    'withdraw ID --reason TEXT [--data DIR | --url URL]     only before it begins',
    'list [--data DIR | --url URL]',
    'show ID [--data DIR | --url URL]',
    'certificate ID -o FILE [--pdf] [--data DIR | --url URL]     of a completed one: JSON to be checked offline, or a page to be filed',
  ],
  options: {
    ...CLIENT_OPTIONS,
    person: {
      type: 'string',
      value: 'ALIAS',
      multiple: true,
      what: 'a name of the person: KIND:VALUE, such as phone:+12025550123, email:…, external-id:…; - reads names from stdin, one a line, so that none stays in the history of the shell',
    },
    ground: { type: 'string', value: 'TEXT', what: 'on what ground, such as "GDPR Art. 17(1)(b)"; sealed in clear' },
    reference: { type: 'string', value: 'TEXT', what: 'the matter, such as a ticket number; sealed in clear, so no person’s name' },
    reason: { type: 'string', value: 'TEXT', what: 'why it is withdrawn; sealed in clear' },
    output: { type: 'string', value: 'FILE', what: 'where the certificate goes; it must not be there yet', short: 'o' },
    pdf: { type: 'boolean', what: 'the page, for a file of paper; what is checked is the JSON' },
  },
  async run(ctx) {
    const [what, id, ...more] = ctx.words
    if (what === 'plan' && id === undefined) {
      const body = { person: await namesOf(ctx) }
      return withClient(ctx, async (client) => {
        const plan = (await post(client, `${ERASURES}/plan`, body)) as unknown as ErasurePlan
        ctx.stdout(ctx.json ? `${JSON.stringify(plan)}\n` : planText(plan))
        return 0
      })
    }
    if (what === 'request' && id === undefined) {
      const reference = ctx.text('reference')
      const body = { ground: needed(ctx, what, 'ground'), ...(reference === undefined ? {} : { reference }), person: await namesOf(ctx) }
      return withClient(ctx, (client) => order(client, ctx, ERASURES, body))
    }
    if (what === 'list' && id === undefined) return withClient(ctx, (client) => list(client, ctx))
    if (id === undefined || more.length > 0) throw new SealtrailError('USAGE', FORMS)
    const path = `${ERASURES}/${encodeURIComponent(id)}`
    if (what === 'approve') return withClient(ctx, (client) => order(client, ctx, `${path}/approve`, {}))
    if (what === 'withdraw') {
      const body = { reason: needed(ctx, what, 'reason') }
      return withClient(ctx, (client) => order(client, ctx, `${path}/withdraw`, body))
    }
    if (what === 'certificate') return certificate(ctx, id)
    if (what === 'show') return withClient(ctx, async (client) => tell((await askJson(client, 'GET', path)) as unknown as ErasureView, ctx))
    throw new SealtrailError('USAGE', FORMS)
  },
}

function needed(ctx: Context, what: string, option: string): string {
  const value = ctx.text(option)
  if (value === undefined) throw new SealtrailError('USAGE', `erase ${what} needs --${option}`)
  return value
}

/** The names given, those on stdin among them. */
async function namesOf(ctx: Context): Promise<string[]> {
  const given = ctx.all('person')
  if (given.length === 0) throw new SealtrailError('USAGE', 'name the person with --person; --person - reads the names from stdin')
  return namesFrom(ctx, given)
}

function post(client: Client, path: string, body: JsonObject): Promise<JsonObject> {
  return askJson(client, 'POST', path, { body: JSON.stringify(body), type: 'application/json' })
}

/** Sends it, and stays while it runs: a data directory opened here is closed afterwards. */
async function order(client: Client, ctx: Context, path: string, body: JsonObject): Promise<0 | 1> {
  let view = (await post(client, path, body)) as unknown as ErasureView
  const progress = new Progress(ctx, 'erase')
  try {
    while (view.state === 'running' && view.problem === null) {
      if (ctx.stopping.aborted)
        throw new SealtrailError('NOT_READY', `stopped; the erasure has begun and goes on with the server: sealtrail erase show ${view.id}`)
      progress.at(null, view.progress === null ? 'begins' : `${view.progress.step}: ${count(view.progress.done)}`)
      await new Promise((done) => setTimeout(done, POLL_MS))
      view = (await askJson(client, 'GET', `${ERASURES}/${view.id}`)) as unknown as ErasureView
    }
  } finally {
    progress.done()
  }
  return tell(view, ctx)
}

/** 1 when it does not go on. */
function tell(view: ErasureView, ctx: Context): 0 | 1 {
  if (ctx.json) ctx.stdout(`${JSON.stringify(view)}\n`)
  else {
    ctx.stdout(`${view.id}  ${stateText(view)}\n`)
    for (const block of view.blocks) ctx.stdout(`  ${blockText(block)}\n`)
  }
  return view.problem === null ? 0 : 1
}

/** Under another name until it is whole: half a certificate must not look like one. */
async function certificate(ctx: Context, id: string): Promise<Exit> {
  const file = ctx.text('output')
  if (file === undefined) throw new SealtrailError('USAGE', 'say with -o where the certificate goes')
  const path = resolve(ctx.cwd, file)
  if (existsSync(path)) throw new SealtrailError('USAGE', 'the file is there already; nothing is overwritten')
  const part = `${path}.part`
  return withClient(ctx, async (client) => {
    try {
      const body = await client.stream(`/api/v1/certificates/${encodeURIComponent(id)}?format=${ctx.flag('pdf') ? 'pdf' : 'json'}`)
      await pipeline(Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]), createWriteStream(part))
      renameSync(part, path)
    } finally {
      rmSync(part, { force: true })
    }
    const check = `sealtrail-verify ${file} --key VKEY`
    if (ctx.json) ctx.stdout(`${JSON.stringify({ file, id })}\n`)
    else ctx.stdout(ctx.flag('pdf') ? `${file}\n` : `${file}: checked offline with \`${check}\`\n`)
    return 0
  })
}

async function list(client: Client, ctx: Context): Promise<0 | 1> {
  const answer = await askJson(client, 'GET', ERASURES)
  const erasures = answer['erasures'] as unknown as ErasureView[]
  if (ctx.json) ctx.stdout(`${JSON.stringify(answer)}\n`)
  else ctx.stdout(table(erasures.map((view) => [view.id, view.ground, view.reference ?? '', stateText(view)])))
  return erasures.every(({ problem }) => problem === null) ? 0 : 1
}
