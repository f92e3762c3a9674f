import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { MAX_NOTE_BYTES, MAX_POLICY_BYTES, TlogError, isQuorumMet, parsePolicy, parseVkey, witnessVerifiers } from '@sealtrail/tlog'
import type { Policy } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'
import type { KeptCheckpoint } from '../verify/policy.ts'
import type { Context } from './command.ts'

const MAX_KEPT = 10_000

/** The policy of `--policy`, or null. @throws SealtrailError USAGE naming the line that is wrong */
export function policyOf(ctx: Context, key: string | null): Policy | null {
  const given = ctx.text('policy')
  if (given === undefined) return null
  const path = resolve(ctx.cwd, given)
  if (!existsSync(path) || statSync(path).size > MAX_POLICY_BYTES) throw new SealtrailError('USAGE', '--policy is no file, or too large for a policy')
  let policy: Policy
  try {
    policy = parsePolicy(readFileSync(path))
  } catch (cause) {
    throw new SealtrailError('USAGE', `--policy: ${cause instanceof TlogError ? cause.message : 'unreadable'}`, { cause })
  }
  const { verifiers, unsupported } = witnessVerifiers(policy)
  if (!isQuorumMet(policy, verifiers.keys()))
    throw new SealtrailError('USAGE', `--policy: its quorum needs signatures that cannot be checked in this version (ML-DSA-44: ${unsupported.join(', ')})`)
  if (policy.logs.length > 1) throw new SealtrailError('USAGE', '--policy names several logs; give a file with one, or with none and --key')
  if (policy.logs.length === 0 && key === null) throw new SealtrailError('USAGE', '--policy names no log; give its key with --key')
  if (policy.logs.length === 1 && key !== null) throw new SealtrailError('USAGE', 'the policy names the log already; leave --key out')
  return policy
}

/** The checkpoints of `--checkpoint`: a file, or every file of a folder. @throws SealtrailError USAGE */
export function keptOf(ctx: Context): KeptCheckpoint[] {
  const given = ctx.text('checkpoint')
  if (given === undefined) return []
  const path = resolve(ctx.cwd, given)
  if (!existsSync(path)) throw new SealtrailError('USAGE', '--checkpoint: there is no such file')
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .sort()
        .map((name) => join(path, name))
    : [path]
  if (files.length > MAX_KEPT) throw new SealtrailError('USAGE', `--checkpoint: more than ${MAX_KEPT} files`)
  return files
    .filter((file) => statSync(file).isFile())
    .map((file) => {
      if (statSync(file).size > MAX_NOTE_BYTES) throw new SealtrailError('USAGE', `--checkpoint: ${basename(file)} is too large for a checkpoint`)
      return { object: basename(file), note: readFileSync(file, 'utf8') }
    })
}

/** The key of `--key`, or null. @throws SealtrailError USAGE when it is no verification key */
export function keyOf(ctx: Context): string | null {
  const [given, ...more] = ctx.all('key')
  if (given === undefined) return null
  if (more.length > 0) throw new SealtrailError('USAGE', 'a data directory or store takes one --key')
  const path = resolve(ctx.cwd, given)
  const text = (existsSync(path) ? readFileSync(path, 'utf8') : given).trim()
  try {
    parseVkey(text)
    return text
  } catch (cause) {
    throw new SealtrailError('USAGE', '--key is no verification key (NAME+HASH+KEY), nor a file that holds one', { cause })
  }
}
