// The server under load: a process of its own. argv: data directory, ingest threads.
import { loadConfig } from '../src/config/load.ts'
import { Tokens } from '../src/http/tokens.ts'
import { createLog } from '../src/observe/log.ts'
import { startServer } from '../src/threads/server.ts'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { LevelIndex } from '../src/index/level/index.ts'

const [data, threads, settle] = process.argv.slice(2) as [string, string, string]
const { config } = loadConfig(null, { cwd: data, env: {}, data, port: 0 })
const trails = Object.fromEntries(
  Object.entries(config.trails).map(([name, trail]) => [name, { ...trail, sequence: { ...trail.sequence, settleMs: Number(settle) } }]),
)
// Before the server looks at the tokens for the first time.
const tokens = new Tokens({ data, now: Date.now, random: randomBytes })
const { token } = tokens.create(`bench-${process.pid}`, 'admin', null)
const server = await startServer({ ...config, ingestThreads: Number(threads), trails }, { log: createLog({ now: Date.now, level: 'error' }) })
const index = await LevelIndex.open(join(data, 'index'))
process.send?.({ port: Number(new URL(server.url).port), token })
process.on('message', (message: string) => {
  if (message === 'state') {
    const sizes = Object.fromEntries(server.sealing.sizes.logs.map((log) => [log, server.sealing.sizes.get(log)]))
    const indexed = Object.fromEntries(server.sealing.sizes.logs.map((log) => [log, index.size(log)]))
    const held = Object.fromEntries([...server.sealing.backlog()].map(([log, { held }]) => [log, held]))
    const { user, system } = process.cpuUsage()
    process.send?.({ sizes, indexed, held, rss: process.memoryUsage.rss(), cpu: (user + system) / 1e6 })
  } else if (message === 'close') {
    void index
      .close()
      .then(() => server.close())
      .then(() => process.exit(0))
  }
})
