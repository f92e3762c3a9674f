import { readFileSync, statSync } from 'node:fs'
import { MAX_POLICY_BYTES, TlogError, ed25519Verifier, formatPolicy, isQuorumMet, parsePolicy, witnessVerifiers } from '@sealtrail/tlog'
import { SealtrailError } from '../errors.ts'

/**
 * The witness policy in a file, checked for what a publisher needs of it: its text without comments.
 * @throws SealtrailError CONFIG_INVALID, saying what to correct
 */
export function readWitnessPolicy(path: string): string {
  let octets: Uint8Array
  try {
    if (statSync(path).size > MAX_POLICY_BYTES) throw wrong('the file is too large for a policy')
    octets = readFileSync(path)
  } catch (error) {
    if (error instanceof SealtrailError) throw error
    throw wrong(`the file cannot be read (${(error as NodeJS.ErrnoException).code})`, error)
  }
  try {
    const policy = parsePolicy(octets)
    const { verifiers, unsupported } = witnessVerifiers(policy)
    if (!isQuorumMet(policy, verifiers.keys())) {
      throw wrong(`the quorum needs witnesses whose signatures cannot be checked in this version (ML-DSA-44: ${unsupported.join(', ')})`)
    }
    const silent = policy.witnesses.filter(({ url }) => url === null).map(({ name }) => name)
    if (silent.length > 0) throw wrong(`no URL stands on the line of ${silent.join(', ')}: where is the witness to be asked?`)
    const odd = policy.witnesses.filter(({ url }) => !isPrefix(url as string)).map(({ name }) => name)
    if (odd.length > 0) throw wrong(`the URL of ${odd.join(', ')} is not an http or https address without query and fragment`)
    return formatPolicy(policy)
  } catch (error) {
    if (error instanceof TlogError) throw wrong(error.message, error)
    throw error
  }
}

/**
 * Holds the policy's log line, if it has one, against the logs of this server.
 * @param vkeys verification key of each log, by which it is known here; any that signs its checkpoints may stand there
 * @param all every key that signs the log of a name
 * @throws SealtrailError CONFIG_INVALID
 */
export function assertPolicyLogs(policy: string, vkeys: Readonly<Record<string, string>>, all: (name: string) => readonly string[] = () => []): void {
  for (const { key, vkey } of parsePolicy(policy).logs) {
    const own = Object.values(vkeys).find((each) => ed25519Verifier(each).name === key.name)
    if (own === undefined) {
      const names = Object.values(vkeys).map((each) => ed25519Verifier(each).name)
      throw wrong(`witnesses.policy: its log line is of ${key.name}, and the logs of this server are ${names.join(', ')}; correct it or leave it out`)
    }
    if (own !== vkey && !all(key.name).includes(vkey))
      throw wrong(`witnesses.policy: its log line has another key for ${key.name} than this server; its own is ${own}`)
  }
}

function isPrefix(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, search, hash, username } = new URL(text)
  return (protocol === 'http:' || protocol === 'https:') && search === '' && hash === '' && username === ''
}

function wrong(message: string, cause?: unknown): SealtrailError {
  return new SealtrailError('CONFIG_INVALID', message, cause === undefined ? {} : { cause })
}
