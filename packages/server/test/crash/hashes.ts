// Run by steps.test.ts: stores the hash pack of a log that has just outgrown one, and says what the store then holds.
import { join } from 'node:path'
import { checkHashPack } from '@sealtrail/evidence'
import { packedSize, storeHashPacks } from '../../src/seal/hashpacks.ts'
import { HashFiles } from '../../src/seal/tiles.ts'
import { FileStore } from '../../src/store/files/store.ts'

const data = process.argv[2] as string
const LEAVES = 65_536 + 300
const store = await FileStore.open(join(data, 'store'))
const files = HashFiles.open(join(data, 'tiles', 'log'))
if (files.size < LEAVES) {
  const hashes = Buffer.alloc((LEAVES - files.size) * 32)
  for (let i = files.size; i < LEAVES; i++) hashes.writeUInt32LE(i, (i - files.size) * 32)
  files.append(hashes)
}
const packed = await storeHashPacks('log', files, store, await packedSize(store, 'log'), LEAVES, { mode: 'COMPLIANCE', retainUntilMs: Date.now() + 86_400_000 })
let packs = 0
let right = true
for await (const { key } of store.list('log/hashes/')) {
  packs++
  const bytes = (await store.get(key)) as Uint8Array
  checkHashPack(key, bytes)
  right &&= Buffer.compare(bytes, files.leaves(0, 65_536)) === 0
}
files.close()
await store.close()
process.send?.({ packed, packs, right }, () => process.disconnect?.())
