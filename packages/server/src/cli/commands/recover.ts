import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { parseReceipt } from '@sealtrail/evidence'
import { knownPlace, TIMEOUT_MS } from '../../config/open-store.ts'
import { type RecoveredDirectory, recoverDirectory } from '../../config/recover-directory.ts'
import { parseStoreAddress } from '../../config/store-address.ts'
import type { StoreConfig } from '../../config/store-config.ts'
import { describe } from '../../config/store-place.ts'
import { SealtrailError } from '../../errors.ts'
import type { Recovered } from '../../recover/recover.ts'
import { type KeptCheckpoint, originOf } from '../../verify/policy.ts'
import { promisedIn } from '../../verify/promised.ts'
import type { Command, Context } from '../command.ts'
import { count, printable, some } from '../output.ts'
import { Progress } from '../progress.ts'
import { DATA_OPTIONS, settings } from '../settings.ts'
import { lineOf, tellNotes, tellProblems } from '../verdict-text.ts'
import { keptOf, keyOf } from '../verify-policy.ts'

const MAX_RECEIPT_BYTES = 1024 * 1024

export const recover: Command = {
  name: 'recover',
  summary: 'make a data directory again from its write-once store alone',
  usage: ['[--store ADDRESS] [--data DIR] [--config FILE] [--keys FOLDER] [--checkpoint FILE] [--receipt FILE]... [--key VKEY] [--dry-run]'],
  options: {
    ...DATA_OPTIONS,
    store: {
      type: 'string',
      value: 'ADDRESS',
      what: 's3://BUCKET/PREFIX, azure://ACCOUNT/CONTAINER/PREFIX or gs://BUCKET/PREFIX; without it the store of --config, or of the data directory',
    },
    keys: { type: 'string', value: 'FOLDER', what: 'a back-up of the keyring (the folder keys/): with it the server goes on under the known name' },
    checkpoint: {
      type: 'string',
      value: 'FILE',
      what: 'a checkpoint kept elsewhere, or a folder of them: decides where the log forks, and shows records that are gone',
    },
    receipt: { type: 'string', value: 'FILE', multiple: true, what: 'a receipt kept elsewhere: its checkpoint does the same' },
    key: { type: 'string', value: 'VKEY', multiple: true, what: 'without a keyring: verification key of any log of this server, or a file that holds it' },
    'dry-run': { type: 'boolean', what: 'say what would be made and what is missing; write nothing' },
  },
  async run(ctx) {
    if (ctx.words.length > 0) throw new SealtrailError('USAGE', 'recover takes options only')
    const config = settings(ctx, { warn: false })
    const keys = ctx.text('keys')
    const kept = [...keptOf(ctx), ...ctx.all('receipt').map((file) => checkpointOf(ctx, file))]
    const progress = new Progress(ctx, 'recover')
    const store = storeOf(ctx, config)
    const dryRun = ctx.flag('dry-run')
    const found = await recoverDirectory({
      data: config.data,
      store,
      keys: keys === undefined ? null : resolve(ctx.cwd, keys),
      keeping: config.keys,
      key: keyOf(ctx),
      kept,
      dryRun,
      now: () => ctx.now(),
      onProgress: (what, done, total) => progress.at(total === 0 ? null : done / total, `${what} ${count(done)} of ${count(total)}`),
    })
    progress.done()
    // A log of which somebody was promised records, and of which the store has nothing.
    const gone = kept.filter(
      ({ note }) => !found.logs.some(({ log }) => originOf(note).endsWith(`/${log}`)) && promisedIn([{ object: '', note }], null)[0]?.size !== 0,
    )
    for (const { object } of gone) ctx.stderr(`${printable(object)} is of no log in this store: a log is gone, or this is another store\n`)
    for (const log of found.logs) {
      if (ctx.json) ctx.stdout(`${JSON.stringify(jsonOf(log, dryRun))}\n`)
      else tellLog(ctx, log, dryRun)
    }
    const { indexed, keys: signs, vault, journal } = found
    if (ctx.json) ctx.stdout(`${JSON.stringify({ store: describe(store.place), dryRun, keys: signs, vault, journal, indexed })}\n`)
    else conclude(ctx, found, dryRun)
    return found.logs.every(isWhole) && gone.length === 0 ? 0 : 1
  },
}

function isWhole({ found }: Recovered): boolean {
  return found === null || (found.refused === null && found.verdict.ok)
}

function storeOf(ctx: Context, config: { readonly data: string; readonly store: StoreConfig }): Pick<StoreConfig, 'place' | 'timeoutMs'> {
  const address = ctx.text('store')
  if (address !== undefined) return { place: parseStoreAddress(address, ctx.env), timeoutMs: TIMEOUT_MS }
  return ctx.text('config') === undefined ? { place: knownPlace(config.data), timeoutMs: TIMEOUT_MS } : config.store
}

/** @throws SealtrailError USAGE when the file is no full receipt */
function checkpointOf(ctx: Context, file: string): KeptCheckpoint {
  const path = resolve(ctx.cwd, file)
  const found = statSync(path, { throwIfNoEntry: false })
  if (!existsSync(path) || found === undefined || found.size > MAX_RECEIPT_BYTES)
    throw new SealtrailError('USAGE', '--receipt: there is no such file, or it is too large for a receipt')
  try {
    return { object: basename(path), note: parseReceipt(JSON.parse(readFileSync(path, 'utf8'))).checkpoint }
  } catch (cause) {
    throw new SealtrailError('USAGE', `--receipt: ${basename(path)} is no full receipt: it has no checkpoint with its proof`, { cause })
  }
}

function jsonOf({ log, head, found }: Recovered, dryRun: boolean): object {
  if (found === null) return { ok: true, log, size: head?.size ?? 0, root: head?.root ?? null, recovered: false, had: true }
  const { verdict, refused, holes } = found
  const missing = holes.map(({ from, to, hashesKept }) => ({ from, to, hashesKept }))
  return {
    ...lineOf(verdict),
    ok: isWhole({ log, head, found }),
    recovered: head !== null && !dryRun,
    refused,
    missing,
    orphans: verdict.notes.map(({ object }) => object),
  }
}

function tellLog(ctx: Context, { log, head, found }: Recovered, dryRun: boolean): void {
  if (found === null) return ctx.stdout(`kept     log ${log}: has its head at ${some(head?.size ?? 0, 'record')}, left as it is\n`)
  const { verdict, refused, holes, sealed } = found
  const records = some(verdict.size, 'record')
  if (refused !== null) ctx.stdout(`REFUSED  log ${log}: ${records} in the store, no head made: ${printable(refused)}\n`)
  else
    ctx.stdout(
      `${verdict.ok ? 'ok      ' : 'PROBLEM '} log ${log}: ${records}, root ${verdict.root}${sealed === null ? '' : `, last sealed ${sealed}`}; head ${dryRun ? 'can be made' : 'made'}\n`,
    )
  for (const { from, to, hashesKept } of holes)
    ctx.stdout(
      `          records ${count(from)} to ${count(to - 1)} are not there${hashesKept ? '; their hashes are: whoever holds one of them can still prove it' : ', nor their hashes'}\n`,
    )
  tellProblems(ctx, verdict)
  tellNotes(ctx, verdict.notes)
}

function conclude(ctx: Context, { logs, indexed, keys, vault, journal }: RecoveredDirectory, dryRun: boolean): void {
  const made = logs.filter(({ head, found }) => head !== null && found !== null)
  const refused = logs.filter(({ found }) => found !== null && found.refused !== null)
  ctx.stdout(
    `\n${some(made.length, 'head')} ${dryRun ? 'can be made' : 'made'}${refused.length === 0 ? '' : `, ${count(refused.length)} refused`}.${indexed === null ? '' : ` The index holds ${some(indexed, 'record')}.`} Ledger state and what else is missing of the index come with the next start.\n`,
  )
  ctx.stdout('What a store cannot give back:\n')
  if (!keys)
    ctx.stdout(
      '- Keys: no keyring is there. The directory can be read and verified; a server refuses to start in it (KEY_UNKNOWN) until this command is run with --keys and a back-up of the keyring.\n',
    )
  if (!vault)
    ctx.stdout(
      '- Personal values: no vault is there. Put a back-up of the folder vault/ in its place before the server starts, then run `sealtrail rebuild-index`; without one they are gone, and every record still verifies.\n',
    )
  if (!journal) ctx.stdout('- What was accepted and not sealed yet: it was in the journal alone. Who was not answered 201, or has no receipt, sends again.\n')
  ctx.stdout('- API tokens, fork alarms, exports under way: of the directory alone.\n')
  ctx.stdout(
    'Segments removed from the end of a log leave no trace in its store: only a checkpoint or receipt kept elsewhere shows that (--checkpoint, --receipt).\n',
  )
}
