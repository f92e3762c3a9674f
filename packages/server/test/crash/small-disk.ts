import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** Why there can be no small disk here, or false. */
export const noSmallDisk: string | false =
  spawnSync('unshare', ['-rm', 'sh', '-c', 'mount -t tmpfs -o size=64k tmpfs /mnt']).status === 0
    ? false
    : 'this machine lets nobody mount a small disk (unshare -rm)'

/**
 * Runs Node on a disk of 48 MiB, in mount and user namespaces that vanish with it; resolves to what it wrote.
 * @param mount shell commands after mounting, `$1` being the disk, each ended with `&& `
 */
export async function onSmallDisk(disk: string, mount: string, ...args: string[]): Promise<string> {
  const script = 'mount -t tmpfs -o size=48m tmpfs "$1" && ' + mount + 'shift && exec "$@"'
  const child = spawn('unshare', ['-rm', 'sh', '-c', script, 'sh', disk, process.execPath, '--conditions=@sealtrail/source', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  const [status] = (await once(child, 'close')) as [number]
  assert.equal(status, 0, err + out)
  return out
}
