import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { SealtrailError } from '../../errors.ts'
import type { InputResult } from '../../event/input.ts'
import { CLIENT_OPTIONS } from '../client.ts'
import type { Client } from '../client.ts'
import type { Command, Context, Exit } from '../command.ts'
import { dropBookmark, readBookmark, writeBookmark } from '../ingest/bookmark.ts'
import { addTo, noCounts, OUTCOMES } from '../ingest/counts.ts'
import type { Counts } from '../ingest/counts.ts'
import { formOf, piecesOf } from '../ingest/pieces.ts'
import { sendPiece } from '../ingest/send.ts'
import { some } from '../output.ts'
import { Progress } from '../progress.ts'
import { withClient } from '../with-client.ts'

const MAX_LISTED = 100

export const ingest: Command = {
  name: 'ingest',
  summary: 'take in events from files (NDJSON, a JSON array, one object) or from standard input',
  usage: ['FILE… [--trail T] [--flush] [--strict] [--data DIR | --url URL]', '- < FILE'],
  options: {
    ...CLIENT_OPTIONS,
    trail: { type: 'string', value: 'T', what: 'the trail to put them in; else the first whose pack matches' },
    flush: { type: 'boolean', what: 'at the end, seal what is held for the rest of its interaction (with --data only)' },
    strict: { type: 'boolean', what: 'exit 1 if anything was quarantined or refused' },
    restart: { type: 'boolean', what: 'begin at the start of each file, whatever an earlier run did' },
  },
  async run(ctx) {
    if (ctx.words.length === 0) throw new SealtrailError('USAGE', 'ingest needs a file, or - for standard input')
    for (const word of ctx.words) if (word !== '-') formOf(resolve(ctx.cwd, word))
    return withClient(ctx, (client) => takeIn(ctx, client), { create: true })
  },
}

async function takeIn(ctx: Context, client: Client): Promise<Exit> {
  if (ctx.flag('flush') && client.flush === null)
    throw new SealtrailError('USAGE', '--flush works with --data only: a running server releases what is held by itself')
  const totals = noCounts()
  let listed = 0
  const problem = (file: string, place: number, result: InputResult): void => {
    if (result.outcome !== 'quarantined' && result.outcome !== 'refused' && result.code !== 'IDENTITY_CONFLICT') return
    if (++listed <= MAX_LISTED) ctx.stderr(`${file}:${place}: ${result.outcome} ${result.code ?? ''}\n`)
  }
  for (const word of ctx.words) {
    if (ctx.stopping.aborted) break
    const counts = await takeFile(ctx, client, word, problem)
    for (const name of Object.keys(totals) as Array<keyof Counts>) totals[name] += counts[name]
  }
  if (listed > MAX_LISTED) ctx.stderr(`and ${some(listed - MAX_LISTED, 'more event')} quarantined or refused\n`)
  if (ctx.flag('flush') && client.flush !== null) {
    await client.flush()
    totals.sealed += totals.held
    totals.held = 0
  } else if (totals.held > 0 && client.flush !== null && !ctx.json) {
    ctx.stderr(
      `${some(totals.held, 'event')} held for the rest of their interactions: safe in the journal, sealed when the directory is next open long enough, or with --flush\n`,
    )
  }
  ctx.stdout(`${JSON.stringify(totals)}\n`)
  if (ctx.stopping.aborted) throw new SealtrailError('NOT_READY', 'stopped before the end; the same command goes on from here')
  return ctx.flag('strict') && totals.quarantined + totals.refused > 0 ? 1 : 0
}

async function takeFile(ctx: Context, client: Client, word: string, problem: (file: string, place: number, result: InputResult) => void): Promise<Counts> {
  const path = word === '-' ? '-' : resolve(ctx.cwd, word)
  const resumable = path !== '-' && formOf(path) === 'lines'
  const bytes = path === '-' ? null : statSync(path).size
  const trail = ctx.text('trail')
  const place = `${client.place}${trail === undefined ? '' : ` ${trail}`}`
  const bookmark = resumable && !ctx.flag('restart') ? readBookmark(path, place) : null
  const counts = bookmark?.counts ?? noCounts()
  if (bookmark !== null) ctx.stderr(`${word}: going on after line ${bookmark.counted}\n`)
  const progress = new Progress(ctx, word)
  try {
    for await (const piece of piecesOf(path, ctx.stdin, bookmark ?? { offset: 0, counted: 0 })) {
      const results = await sendPiece(client, piece, trail, ctx.stopping)
      results.forEach((result, i) => {
        addTo(counts, result)
        problem(word, piece.places[i] as number, result)
      })
      if (resumable) writeBookmark(path, place, { offset: piece.offset, counted: piece.counted, counts })
      progress.at(bytes === null ? null : piece.offset / bytes, some(counts.total, 'event'))
      if (ctx.stopping.aborted) return counts
    }
  } finally {
    progress.done()
  }
  if (resumable) dropBookmark(path)
  if (OUTCOMES.reduce((sum, outcome) => sum + counts[outcome], 0) !== counts.total) throw new SealtrailError('INTERNAL', 'the counts do not add up')
  return counts
}
