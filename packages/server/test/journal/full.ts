// Run by full.test.ts inside a mount of its own: fills a 512 KiB disk, says what the journal answered, frees the disk and goes on.
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SealtrailError } from '../../src/errors.ts'
import { openJournal } from '../../src/journal/files/journal.ts'

const disk = process.argv[2] as string
const dir = join(disk, 'journal')
const ballast = join(disk, 'ballast')
writeFileSync(ballast, Buffer.alloc(200 * 1024))
const journal = await openJournal(dir, { rotateBytes: 100_000 })
const entry = (i: number) => Buffer.alloc(1200, String.fromCharCode(65 + (i % 26)))
let acknowledged = 0
const codes: string[] = []
for (let i = 0; i < 1000 && codes.length < 2; i++) {
  try {
    await journal.append([entry(i)])
    acknowledged++
  } catch (error) {
    codes.push(error instanceof SealtrailError ? error.code : String(error))
  }
}
const free = statfsSync(disk).bavail
rmSync(ballast)
await journal.append([entry(0)]).catch((error: SealtrailError) => codes.push(error.code))
await journal.close()
const again = await openJournal(dir, { rotateBytes: 100_000 })
await again.append([entry(acknowledged)])
let replayed = 0
for await (const { entry: bytes } of again.replay()) if (entry(replayed).equals(bytes)) replayed++
await again.close()
console.log(JSON.stringify({ acknowledged, replayed, codes, free }))
