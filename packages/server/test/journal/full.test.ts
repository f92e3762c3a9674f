import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

/** Runs a shell script in mount and user namespaces of its own, so that its mounts vanish with it and need no privilege. */
function isolated(script: string, ...args: string[]) {
  return spawnSync('unshare', ['-rm', 'sh', '-c', script, 'sh', ...args], { encoding: 'utf8' })
}

const can = isolated('mount -t tmpfs -o size=64k tmpfs /mnt').status === 0
const skip = can ? false : 'this machine lets nobody mount a small disk (unshare -rm)'
const child = join(import.meta.dirname, 'full.ts')

test('a full disk is said, refused until reopened, and loses nothing acknowledged', { skip }, () => {
  const disk = mkdtempSync(join(tmpdir(), 'journal-disk-'))
  try {
    const run = isolated('mount -t tmpfs -o size=512k tmpfs "$1" && exec "$2" --conditions=@sealtrail/source "$3" "$1"', disk, process.execPath, child)
    assert.equal(run.status, 0, run.stderr)
    const said = JSON.parse(run.stdout)
    assert.deepEqual(said.codes, ['DATA_UNWRITABLE', 'DATA_UNWRITABLE', 'DATA_UNWRITABLE'])
    assert.ok(said.acknowledged > 100)
    assert.equal(said.replayed, said.acknowledged + 1)
  } finally {
    rmSync(disk, { recursive: true })
  }
})

test('a read-only disk cannot be opened', { skip }, () => {
  const disk = mkdtempSync(join(tmpdir(), 'journal-disk-'))
  try {
    const open = `import('${new URL('../../src/journal/files/journal.ts', import.meta.url)}').then((m) => m.openJournal(process.argv[1] + '/j')).catch((e) => console.log(e.code, e.message))`
    const run = isolated('mount -t tmpfs -o size=512k,ro tmpfs "$1" && exec "$2" --conditions=@sealtrail/source -e "$3" "$1"', disk, process.execPath, open)
    assert.match(run.stdout, /^DATA_UNWRITABLE journal open failed: EROFS/, run.stderr)
  } finally {
    rmSync(disk, { recursive: true })
  }
})
