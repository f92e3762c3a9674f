import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { describeCertificate } from '@sealtrail/evidence'
import { parseCheckpoint, parseNote } from '@sealtrail/tlog'
import type { AuthorityConfig, Config } from '../../config/config.ts'
import { authorizationOf, readRoots } from '../../config/time-stamp-roots.ts'
import { Connections } from '../../publish/post.ts'
import { askAuthority, checkRevocation } from '../../publish/timestamp/authority.ts'
import type { Refusal, Stamped } from '../../publish/timestamp/authority.ts'
import { RevocationLists } from '../../publish/timestamp/revocation.ts'
import { listTimestamps } from '../../publish/timestamp/stored.ts'
import { checkpointFolder, checkpointPath } from '../../seal/checkpoint.ts'
import type { Finding } from './finding.ts'

export interface LookEnv {
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
  readonly env: Readonly<Record<string, string | undefined>>
}

const AREA = 'time stamps'
const DAY_MS = 86_400_000
const CLOCK_MS = 5 * 60_000

/** Asks every authority for a token over random bytes, checks it in full, keeps nothing; then looks how old the kept stamps are. */
export async function checkTimestamps(config: Config, look: LookEnv): Promise<Finding[]> {
  const { timestamps, data } = config
  if (timestamps === null) {
    const todo = 'name an RFC 3161 authority under timestamps.authorities (docs/timestamps.md)'
    return [{ area: AREA, level: 'warn', text: 'no authority: when records were sealed, only this machine’s clock says', todo }]
  }
  const connections = new Connections()
  try {
    const asked = timestamps.authorities.map((authority) => ask(authority, connections, timestamps.timeoutMs, look))
    return [...(await Promise.all(asked)).flat(), ...checkKept(data, timestamps, look.now())]
  } finally {
    connections.close()
  }
}

async function ask(authority: AuthorityConfig, connections: Connections, timeoutMs: number, { now, random, env }: LookEnv): Promise<Finding[]> {
  const { name, url, rootsFile, policy } = authority
  const { roots } = readRoots(rootsFile)
  const ready = { name, url, roots, policy, authorization: () => authorizationOf(authority, env) }
  const text = random(64)
  const answer = await askAuthority(ready, text, { connections, timeoutMs, now, random })
  const failed = ({ detail, code }: Refusal): Finding[] => {
    const todo = 'see to it: while it fails, nothing but this machine’s clock dates what is sealed'
    return [{ area: AREA, level: 'fail', text: `${name}: ${detail} (${code})`, todo }]
  }
  if (!('token' in answer)) return failed(answer)
  const lists = await new RevocationLists(connections, timeoutMs, now).of(answer.verdict.chain)
  const crls = lists.flatMap((list) => ('der' in list ? [list.der] : []))
  const refusal = await checkRevocation(ready, text, answer, crls)
  if (refusal !== null) return failed(refusal)
  return [
    { area: AREA, level: 'ok', text: `${name}: ${answer.verdict.tsa ?? ''} gives tokens that lead to its roots` },
    ...clockFinding(name, answer),
    ...certificateFindings(name, answer.verdict.chain, now()),
    ...(crls.length > 0
      ? []
      : [{ area: AREA, level: 'warn', text: `${name}: no revocation list is to be had: its stamps cannot be shown not to be revoked` } as const]),
  ]
}

function clockFinding(name: string, { verdict, requestedMs, answeredMs }: Stamped): Finding[] {
  const offsetMs = Date.parse(verdict.genTime ?? '') - (requestedMs + answeredMs) / 2
  if (Math.abs(offsetMs) <= CLOCK_MS) return []
  const todo = 'set this machine’s clock by a time server'
  return [{ area: AREA, level: 'warn', text: `${name}: its clock and this one differ by ${Math.round(offsetMs / 1000)} s`, todo }]
}

function certificateFindings(name: string, chain: readonly Uint8Array[], nowMs: number): Finding[] {
  const ends = chain.map((der) => describeCertificate(der)?.notAfter ?? '').filter((end) => Date.parse(end) < nowMs + 30 * DAY_MS)
  if (ends[0] === undefined) return []
  const todo = 'its operator must renew it; stamps already kept stay valid'
  return [{ area: AREA, level: 'warn', text: `${name}: a certificate of its chain ends on ${ends[0]}`, todo }]
}

/** Logs that grew and have not been stamped for two intervals. */
function checkKept(data: string, { intervalMs, authorities }: NonNullable<Config['timestamps']>, nowMs: number): Finding[] {
  const folder = checkpointFolder(data)
  const findings: Finding[] = []
  for (const log of existsSync(folder) ? readdirSync(folder).filter((name) => !name.includes('.next')) : []) {
    const size = sizeIn(checkpointPath(data, log))
    const newest = listTimestamps(data, log, { newest: true, limit: 8 * authorities.length })
    for (const { name } of authorities) {
      const last = newest.filter(({ authority }) => authority === name).at(-1)
      if (size === 0 || (last?.size ?? 0) >= size || nowMs - Date.parse(last?.requested ?? '') < 2 * intervalMs) continue
      const text =
        last === undefined ? `${log}: ${name} has never stamped it` : `${log}: ${size - last.size} records since ${name} stamped it last, on ${last.requested}`
      findings.push({ area: AREA, level: 'warn', text, todo: 'start the server, or see why it is not stamped: /readyz and the log say so' })
    }
  }
  return findings
}

function sizeIn(path: string): number {
  try {
    return Number(parseCheckpoint(parseNote(readFileSync(path, 'utf8')).text).size)
  } catch {
    return 0
  }
}
