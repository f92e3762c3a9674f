// Witnesses by others, as their makers' instructions start them.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { cosigner, emptyRoot, encodeBase64, formatSkey, TYPE_ED25519 } from '@sealtrail/tlog'
import { freePort, Program } from './outside.ts'

/** A witness by somebody else, running. */
export interface GoWitness {
  /** `witness …`, for a policy. */
  readonly line: string
  readonly vkey: string
  readonly program: Program
  /** Starts it again on what it has persisted, at the same address. */
  restart(): Promise<void>
}

/** torchwood's litewitness, its key in an ssh-agent. @param logs verification keys */
export async function litewitness(tool: string, folder: string, logs: readonly string[]): Promise<GoWitness> {
  mkdirSync(folder)
  const socket = join(folder, 'agent')
  const agent = new Program('ssh-agent', ['-D', '-a', socket])
  await agent.says(/SSH_AUTH_SOCK/)
  const key = join(folder, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
  const fingerprint = execFileSync('ssh-keygen', ['-lf', key], { encoding: 'utf8' }).split(' ')[1] as string
  const port = await freePort()
  const db = join(folder, 'litewitness.db')
  const start = async (): Promise<{ program: Program; vkey: string }> => {
    const program = new Program(tool, ['-db', db, '-name', 'lite.example/w', '-key', fingerprint, '-ssh-agent', socket, '-listen', `127.0.0.1:${port}`])
    const [, vkey] = await program.says(/ vkey="?([^\s"]+)/)
    await program.answers(`http://127.0.0.1:${port}/`)
    return { program, vkey: vkey as string }
  }
  let { program, vkey } = await start()
  // What `witnessctl add-log` and `add-key` do; that program needs a module that cannot be had everywhere.
  const database = new DatabaseSync(db)
  for (const log of logs) {
    const origin = log.split('+')[0] as string
    database.prepare('INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)').run(origin, encodeBase64(emptyRoot()))
    database.prepare('INSERT INTO key (origin, key) VALUES (?, ?)').run(origin, log)
  }
  database.close()
  return {
    line: `witness lite ${vkey} http://127.0.0.1:${port}`,
    vkey,
    get program() {
      return program
    },
    async restart() {
      await program.stop('SIGKILL')
      ;({ program, vkey } = await start())
    },
  }
}

/** transparency-dev's omniwitness. @param logs verification keys */
export async function omniwitness(tool: string, folder: string, logs: readonly string[]): Promise<GoWitness> {
  mkdirSync(folder)
  const seed = randomBytes(32)
  const name = 'omni.example/w'
  writeFileSync(join(folder, 'key'), formatSkey(name, TYPE_ED25519, seed), { mode: 0o600 })
  const entries = logs.map((vkey) => `  - Origin: ${vkey.split('+')[0]}\n    URL: http://127.0.0.1:1/\n    PublicKey: ${vkey}\n`)
  writeFileSync(join(folder, 'logs.yaml'), `Logs:\n${entries.join('')}`)
  const port = await freePort()
  const args = ['--listen', `127.0.0.1:${port}`, '--metrics_listen', '', '--private_key_path', join(folder, 'key'), '--db_file', join(folder, 'db')]
  const start = async (): Promise<Program> => {
    const program = new Program(tool, [...args, '--additional_logs', join(folder, 'logs.yaml')])
    await program.answers(`http://127.0.0.1:${port}/`)
    return program
  }
  let program = await start()
  const { vkey } = cosigner(name, seed)
  return {
    line: `witness omni ${vkey} http://127.0.0.1:${port}`,
    vkey,
    get program() {
      return program
    },
    async restart() {
      await program.stop('SIGKILL')
      program = await start()
    },
  }
}
