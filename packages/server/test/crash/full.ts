// Run by disk.test.ts in a mount of its own: a server on a small disk that others fill and free again, several times.
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SealtrailError } from '../../src/errors.ts'
import { createLog } from '../../src/observe/log.ts'
import { openLocal } from '../../src/threads/local.ts'
import type { Local } from '../../src/threads/local.ts'
import { configFor, inputsOf } from './child.ts'
import { Book, HELD, TRAILS, comesBackWhole, eventText, range } from './harness.ts'
import type { Trail } from './harness.ts'

const disk = process.argv[2] as string
const leave = JSON.parse(process.argv[3] as string) as number[]
const data = join(disk, 'data')
const ballast = join(disk, 'ballast')
const config = configFor(data, HELD.sequence)
const lines: string[] = []
const log = createLog({ now: Date.now, level: 'warn', write: (line) => void lines.push(line) })
const start = (): Promise<Local> => openLocal({ ...config, limits: { ...config.limits, answerWithinMs: 300 } }, { log })
let local = await start()
const book = new Book()
const said = { refused: {} as Record<string, number>, troubles: [] as string[], cameBack: 0, acknowledgedFull: 0, restarts: 0 }
const next: Record<Trail, number> = { notifications: 0, interactions: 0 }

/** The number of events acknowledged, null when they were refused. */
async function submit(trail: Trail): Promise<number | null> {
  const serials = range(next[trail], (next[trail] += 30))
  for (const serial of serials) book.sent[trail].add(serial)
  try {
    book.note(
      trail,
      serials,
      await local.served.intake.submit(
        inputsOf(
          trail,
          serials.map((serial) => eventText(trail, serial)),
        ),
        { wait: 'sealed', receipts: 'lean' },
      ),
    )
    return serials.length
  } catch (error) {
    const code = error instanceof SealtrailError ? error.code : String(error)
    said.refused[code] = (said.refused[code] ?? 0) + 1
    return null
  }
}

for (const bytes of leave) {
  for (const trail of TRAILS) if ((await submit(trail)) === null) throw new Error('refused while there is room')
  const { bavail, bsize } = statfsSync(disk)
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes), 1))
  let refused = 0
  for (let i = 0; i < 400 && refused < 4; i++) {
    const taken = await submit(TRAILS[i % 2] as Trail)
    if (taken === null) refused++
    else said.acknowledgedFull += taken
  }
  said.troubles.push(local.sealing.trouble()?.code ?? 'none')
  rmSync(ballast)
  const until = performance.now() + 8_000
  while (!/^$|restart the server/.test(local.sealing.trouble()?.message ?? '') && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 50))
  const trouble = local.sealing.trouble()
  if (trouble === null) said.cameBack++
  else {
    said.troubles.push(trouble.message)
    await local.close()
    local = await start()
    said.restarts++
  }
}
for (const trail of TRAILS) if ((await submit(trail)) === null) throw new Error('refused with room again')
await local.sealing.flush()
await local.close()
const promised = book.size
const findings = await comesBackWhole(data, book)
console.log('said ' + JSON.stringify({ ...said, promised, findings, lines: lines.slice(0, 400) }))
