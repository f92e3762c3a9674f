import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'

/**
 * Runs Tessera's fsck on the log below `url`; resolves to what it found wrong, or null. Version 1.0.4 ends with 0 whatever
 * it found: what it says decides, and it must have said that it read everything.
 */
export async function fsck(program: string, url: string, vkeyFile: string, token: string): Promise<string | null> {
  const options = [`--storage_url=${url}/`, `--public_key=${vkeyFile}`, `--bearer_token=${token}`, '--N=8', '--ui=false', '-v=1']
  const child = spawn(program, options, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-200_000)))
  const exit = await new Promise<number | null>((resolve) => child.on('close', resolve))
  const wrong = /fsck failed: .*/.exec(said)?.[0] ?? (exit === 0 ? null : `exit ${exit}: ${said.slice(-2_000)}`)
  assert.ok(wrong !== null || said.includes('Completed ranges'), said)
  return wrong
}
