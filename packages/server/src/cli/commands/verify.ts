import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Policy } from '@sealtrail/tlog'
import { askedByConfig, askedBySealed } from '../../config/asked-locks.ts'
import { auditDirectory, auditPlace, type AuditPlaceOptions } from '../../config/open-audit.ts'
import { TIMEOUT_MS } from '../../config/open-store.ts'
import { parseStoreAddress } from '../../config/store-address.ts'
import { readRoots } from '../../config/time-stamp-roots.ts'
import { SealtrailError } from '../../errors.ts'
import { askMonitors } from '../../publish/monitor.ts'
import { originOf } from '../../verify/policy.ts'
import type { KeptCheckpoint } from '../../verify/policy.ts'
import type { LogVerdict, Note } from '../../verify/verdict.ts'
import type { Command, Context, Exit } from '../command.ts'
import { count, printable, some } from '../output.ts'
import { Progress } from '../progress.ts'
import { settings } from '../settings.ts'
import { lineOf, tell } from '../verdict-text.ts'
import { FILE_OPTIONS, verifyFile } from '../verify-file.ts'
import { keptOf, keyOf, policyOf } from '../verify-policy.ts'

const OF_DIRECTORIES = ['checkpoint', 'ask-witnesses', 'log', 'no-vault', 'store-locks', 'config']

export const verify: Command = {
  name: 'verify',
  summary: 'audit whole logs: every record, number, signature and commitment; check a bundle, proof, receipt or certificate of erasure',
  usage: [
    'DATA_DIR [--key VKEY] [--policy FILE] [--checkpoint FILE] [--tsa-roots FILE]... [--log NAME] [--no-vault] [--store-locks [--config FILE]]',
    's3://BUCKET/PREFIX|azure://ACCOUNT/CONTAINER/PREFIX|gs://BUCKET/PREFIX [--key VKEY] [--policy FILE] [--checkpoint FILE] [--tsa-roots FILE]... [--log NAME] [--store-locks [--config FILE]]',
    'BUNDLE.zip [--key VKEY]... [--policy FILE] [--tsa-roots FILE]... [--range LOG:A..B] [--subject ID] [--records] [--allow-unestablished]',
    'CERTIFICATE.json [--key VKEY]... [--policy FILE] [--allow-unestablished]',
    'PROOF.tlog-proof|RECEIPT.json --record FILE [--key VKEY]... [--policy FILE] [--records] [--allow-unestablished]',
  ],
  options: {
    key: {
      type: 'string',
      value: 'VKEY',
      multiple: true,
      what: 'verification key of any log of this server, or a file that holds it, from elsewhere than the data directory; of a file, any number',
    },
    'tsa-roots': {
      type: 'string',
      value: 'FILE',
      multiple: true,
      what: 'roots of the time-stamp authorities you trust, PEM, from elsewhere than the data directory; without them time stamps are consistent at most',
    },
    log: { type: 'string', value: 'NAME', what: 'only this log' },
    'no-vault': { type: 'boolean', what: 'do not look commitments up in the vault (faster)' },
    policy: {
      type: 'string',
      value: 'FILE',
      what: 'a tlog-policy from elsewhere: the log’s key, the witnesses, and how many of them must have cosigned what is published (instead of --key, or with it if it names no log)',
    },
    checkpoint: { type: 'string', value: 'FILE', what: 'a checkpoint kept elsewhere, or a folder of them: whatever contradicts the records is a problem' },
    'ask-witnesses': { type: 'boolean', what: 'with --policy: ask its witnesses what they cosigned last, and hold the records against that' },
    ...FILE_OPTIONS,
    since: { type: 'string', value: 'N', what: 'not in this version' },
    'store-locks': {
      type: 'boolean',
      what: 'ask the store of every object what holds it, and hold that against what retention asked for, as the log system says it',
    },
    config: { type: 'string', value: 'FILE', what: 'with --store-locks: hold the locks against what this configuration asks' },
  },
  async run(ctx) {
    const [source, ...more] = ctx.words
    if (source === undefined || more.length > 0) throw new SealtrailError('USAGE', 'verify takes one source')
    const [, scheme] = /^([a-z0-9]+):\/\//i.exec(source) ?? []
    const address = scheme !== undefined && /^(?:s3|azure|gs)$/i.test(scheme)
    if (scheme !== undefined && !address)
      throw new SealtrailError(
        'USAGE',
        `${scheme.toLowerCase()}:// is not in this version; verify takes a data directory, a store (s3://, azure://, gs://), a bundle, a proof or a receipt`,
      )
    for (const later of ['since']) if (ctx.text(later) !== undefined) throw new SealtrailError('USAGE', `--${later} is not in this version`)
    if (ctx.text('config') !== undefined && !ctx.flag('store-locks')) throw new SealtrailError('USAGE', '--config goes with --store-locks')
    if (address) {
      refuse(ctx, [...Object.keys(FILE_OPTIONS), 'no-vault'], 'another source than a store')
      const place = parseStoreAddress(source, ctx.env)
      return audit(ctx, 'store', (asked) => auditPlace({ place, timeoutMs: TIMEOUT_MS }, asked))
    }
    const directory = resolve(ctx.cwd, source)
    const found = statSync(directory, { throwIfNoEntry: false })
    if (found === undefined ? /\.(?:zip|tlog-proof|json)$/i.test(source) : !found.isDirectory()) {
      refuse(ctx, OF_DIRECTORIES, 'a data directory')
      return verifyFile(ctx, source)
    }
    refuse(ctx, Object.keys(FILE_OPTIONS), 'a bundle, proof or receipt')
    if (!existsSync(join(directory, 'store')) && !existsSync(join(directory, 'head.sqlite')))
      throw new SealtrailError('USAGE', 'the source is no data directory: it has neither store nor head.sqlite')
    return audit(ctx, 'directory', (asked) => auditDirectory(directory, { ...asked, vault: !ctx.flag('no-vault'), now: () => ctx.now() }))
  },
}

function refuse(ctx: Context, options: readonly string[], of: string): void {
  const given = options.find((name) => ctx.flag(name) || ctx.text(name) !== undefined)
  if (given !== undefined) throw new SealtrailError('USAGE', `--${given} goes with ${of}`)
}

async function audit(
  ctx: Context,
  what: 'directory' | 'store',
  run: (asked: Omit<AuditPlaceOptions, 'key'> & { readonly key: string | null }) => Promise<LogVerdict[]>,
): Promise<Exit> {
  const key = keyOf(ctx)
  const policy = policyOf(ctx, key)
  const kept = keptOf(ctx)
  if (ctx.flag('ask-witnesses') && policy === null) throw new SealtrailError('USAGE', '--ask-witnesses needs --policy: it names them')
  const tsaRoots = rootsOf(ctx)
  const log = ctx.text('log')
  const progress = new Progress(ctx, 'verify')
  const started = ctx.now()
  const verdicts = await run({
    key,
    tsaRoots,
    kept,
    ...(policy === null ? {} : { policy }),
    ...(policy === null || !ctx.flag('ask-witnesses') ? {} : { askWitnesses: (origin) => viewsOf(policy, origin) }),
    ...(log === undefined ? {} : { logs: [log] }),
    ...(ctx.flag('store-locks') ? { locks: ctx.text('config') === undefined ? askedBySealed() : askedByConfig(settings(ctx, { warn: false })) } : {}),
    onProgress: (name, done, total) => progress.at(total === 0 ? null : done / total, `${name} ${count(done)} of ${count(total)}`),
  })
  progress.done()
  const strays = kept.filter(({ note }) => !verdicts.some((verdict) => originOf(note).endsWith(`/${verdict.log}`))).map(({ object }) => object)
  if (strays.length > 0) throw new SealtrailError('USAGE', `--checkpoint: of no log that was audited: ${strays.join(', ')}`)
  if (log !== undefined && !verdicts.some((verdict) => verdict.log === log)) throw new SealtrailError('USAGE', 'there is no log of this name')
  for (const verdict of verdicts) {
    if (ctx.json) ctx.stdout(`${JSON.stringify(lineOf(verdict))}\n`)
    else tell(ctx, verdict)
    if (ctx.json && verdict.more > 0) ctx.stderr(`${verdict.log}: ${count(verdict.more)} more problems are not listed\n`)
  }
  // Emptied, a directory has no log left that could be wrong.
  if (verdicts.length === 0) throw new SealtrailError('NOT_FOUND', `there is no log in this ${what}: nothing was audited`)
  const ok = verdicts.every((verdict) => verdict.ok)
  if (!ctx.json) conclude(ctx, what, verdicts, ok, { key: key !== null, policy }, ctx.now() - started)
  return ok ? 0 : 1
}

function conclude(
  ctx: Context,
  what: 'directory' | 'store',
  verdicts: readonly LogVerdict[],
  ok: boolean,
  given: { readonly key: boolean; readonly policy: Policy | null },
  ms: number,
): void {
  const records = verdicts.reduce((sum, { size }) => sum + size, 0)
  ctx.stdout(`\n${ok ? 'No problem found' : 'Problems found'} in ${some(records, 'record')}, ${(ms / 1000).toFixed(1)} s.\n`)
  const { key, policy } = given
  const logs = verdicts.filter(({ log }) => log !== '*')
  const unsigned = logs.filter(({ trust }) => trust === 'none').map(({ log }) => printable(log))
  if (!key && policy === null)
    ctx.stdout('The logs agree with themselves; who signed them is not established. Give the key you were handed with --key (sealtrail key show prints it).\n')
  else {
    if (unsigned.length < logs.length) ctx.stdout(`Checkpoints were checked with ${trustText(policy)}.\n`)
    if (unsigned.length > 0)
      ctx.stdout(`No checkpoint of ${unsigned.join(', ')} is signed with the key you gave: what there was, if anything, is not established.\n`)
  }
  ctx.stdout(
    what === 'store'
      ? 'A store whose newest segments were removed together looks like this too: only a receipt or checkpoint kept elsewhere shows it.\n'
      : 'A directory set back as a whole to an earlier state looks like this too: only a receipt or checkpoint kept elsewhere shows it.\n',
  )
}

function trustText(policy: Policy | null): string {
  if (policy === null) return 'the key you gave'
  return policy.quorum === null ? 'the key you gave; the policy asks for no witness' : 'the key and the witnesses of the policy you gave'
}

/** @throws SealtrailError USAGE when the file holds no certificates */
function rootsOf(ctx: Context): readonly Uint8Array[] {
  try {
    return ctx.all('tsa-roots').flatMap((given) => readRoots(resolve(ctx.cwd, given)).roots)
  } catch (cause) {
    if (!(cause instanceof SealtrailError)) throw cause
    throw new SealtrailError('USAGE', `--tsa-roots: ${cause.message}`, { cause })
  }
}

const ASK_MS = 10_000

async function viewsOf(policy: Policy, origin: string): Promise<{ kept: KeptCheckpoint[]; notes: Note[] }> {
  const views = await askMonitors(policy, origin, { timeoutMs: ASK_MS })
  return {
    kept: views.flatMap(({ witness, note }) => (note === null ? [] : [{ object: `witness ${witness}`, note }])),
    notes: views.flatMap(({ witness, code }) =>
      code === null ? [] : [{ object: `witness ${witness}`, message: code === 'NONE' ? 'has never cosigned this log' : `could not be asked (${code})` }],
    ),
  }
}
