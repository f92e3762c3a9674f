import assert from 'node:assert/strict'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ClassicLevel } from 'classic-level'
import { LevelIndex } from '../../src/index/level/index.ts'
import { openIndex } from '../../src/index/level/open.ts'
import { recordOf } from './sample.ts'

test('a damaged index is reported and starts empty; a whole one is kept; one in use is left alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealtrail-open-'))
  const directory = join(folder, 'index')
  const messages: string[] = []
  const open = () => openIndex(directory, (message) => messages.push(message))
  try {
    const fill = async (index: LevelIndex) => index.apply({ log: 'l', first: 0, records: Array.from({ length: 400 }, (_, n) => recordOf({ n })), tokens: [] })
    let index = await open()
    await fill(index)
    await index.close()
    index = await open()
    assert.equal(index.size('l'), 400)
    await index.close()
    assert.deepEqual(messages, [])

    const name = (await readdir(directory)).find((each) => /^\d+\.(ldb|log)$/.test(each)) as string
    const bytes = await readFile(join(directory, name))
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 4
    await writeFile(join(directory, name), bytes)
    index = await open()
    assert.equal(index.size('l'), 0)
    assert.equal(messages.length, 1)
    assert.match(messages.join(), new RegExp(name.replace('.', '\\.')))
    await fill(index)
    await index.close()

    await writeFile(join(directory, 'CURRENT'), 'MANIFEST-999999\n')
    index = await open()
    assert.equal(index.size('l'), 0)
    assert.equal(messages.length, 2)
    await fill(index)
    await index.close()

    // Without multithreading the second opening within one process meets the same lock as another process would.
    await (await open()).close() // so that nothing is left to be written when it is opened
    const holder = new ClassicLevel(directory)
    await holder.open()
    await assert.rejects(open())
    await holder.close()
    index = await open()
    assert.equal(index.size('l'), 400)
    await index.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
