import type { Config } from './config.ts'
import type { Remark } from './read.ts'
import { KEYS } from './schema.ts'

const DAY_MS = 86_400_000
const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/

/** What is allowed and yet often not meant, about the configuration as a whole. Pure. */
export function checkConfig(config: Config): Remark[] {
  const messages: string[] = []
  const open = !LOOPBACK.test(config.listen.host)
  if (open && config.tls === null)
    messages.push('listen: other machines reach this address and there is no TLS; set `tls`, or listen on 127.0.0.1 behind a proxy')
  if (open && config.origin === KEYS[0]?.default)
    messages.push('origin: still the default; choose your own before the first record is sealed, it cannot be changed later')
  for (const { name, url, basic } of config.timestamps?.authorities ?? [])
    if (basic !== null && url.startsWith('http:')) messages.push(`timestamps.authorities.${name}: the password crosses the network in clear; use https`)
  for (const [name, trail] of Object.entries(config.trails)) {
    if (trail.retain.mode === 'GOVERNANCE')
      messages.push(`trails.${name}.retain.mode: GOVERNANCE can be lifted by whoever has the right to; for SEC 17a-4(f) use COMPLIANCE`)
    if (trail.retain.periodMs < 365 * DAY_MS) messages.push(`trails.${name}.retain.period: under twelve months, which PCI DSS 10.5.1 asks of audit trails`)
    for (const { name: of, mode, periodMs } of trail.retain.classes) {
      const key = `trails.${name}.retain.classes.${of}`
      if (mode === 'GOVERNANCE') messages.push(`${key}.mode: GOVERNANCE can be lifted by whoever has the right to; for SEC 17a-4(f) use COMPLIANCE`)
      if (periodMs < 365 * DAY_MS) messages.push(`${key}.period: under twelve months, which PCI DSS 10.5.1 asks of audit trails`)
    }
    if (trail.public) messages.push(`trails.${name}.public: everybody can read the records of this log without a token`)
  }
  return messages.map((message) => ({ code: 'CONFIG_INVALID', line: 0, column: 0, message }))
}
