// A witness in a process of its own, to be killed. argv: data directory, name, vkeys.
import { randomBytes } from 'node:crypto'
import { createLog } from '../../src/observe/log.ts'
import { listenWitness } from '../../src/witness/listen.ts'
import { openWitness } from '../../src/witness/open.ts'

const [data, name, ...logs] = process.argv.slice(2) as [string, string, ...string[]]
const log = createLog({ level: 'error', now: Date.now })
const opened = openWitness({ data, name, logs, now: Date.now, random: randomBytes, log })
const { url } = await listenWitness(opened.service, { host: '127.0.0.1', port: 0, tls: null, page: () => '', log })
process.stdout.write(`${JSON.stringify({ listening: url, vkey: opened.vkey, policy: '', logs: opened.origins })}\n`)
