// Tessera's hammer, unchanged, writes to us and reads behind itself; then the same to Tessera's own POSIX server.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { ed25519PublicKey, formatSkey, formatVkey, parseCheckpoint, parseNote, parseVkey, TYPE_ED25519 } from '@sealtrail/tlog'
import { fsck } from './fsck.ts'
import { freePort, outside, Program, scratch } from './outside.ts'
import { command, LOG, Served } from './served.ts'

/** How long each of the two is hammered; `SEALTRAIL_HAMMER_SECONDS` makes it shorter or longer. */
const SECONDS = Number(process.env['SEALTRAIL_HAMMER_SECONDS'] ?? 60)
const WRITERS = 512
const READS_A_SECOND = 100
/** Those of Tessera's conformance server (cmd/conformance/posix): at most so many entries in a batch, or as many as came in a second. */
const BATCH = { entries: 256, delay: '1s' }
/** A machine that does other things as well shifts both numbers; less than this is no noise. */
const LEAST_SHARE = 0.5

const { tools, skip } = await outside('fsck', 'hammer', 'posix')
const at = scratch()

interface Target {
  readonly name: string
  /** The log's prefix, and where `/add` is. */
  readonly log: string
  readonly add: string
  readonly vkey: string
  readonly token: string
  seconds: number
  entries: number
}

/** The published size, once it has stopped growing: both publish behind the answer. */
async function settledSize({ log }: Target): Promise<number> {
  for (let before = -1; ;) {
    const size = Number(parseCheckpoint(parseNote(await (await fetch(`${log}/checkpoint`)).text()).text).size)
    if (size === before) return size
    before = size
    await new Promise((resolve) => setTimeout(resolve, 1_500))
  }
}

/** Hammers the log for so long; what hammer warned of, pushback apart, fails the test. */
async function hammer(target: Target, seconds: number): Promise<void> {
  const before = await settledSize(target)
  const started = performance.now()
  const program = new Program(tools.hammer, [
    `--log_url=${target.log}`,
    `--write_log_url=${target.add}`,
    `--log_public_key=${target.vkey}`,
    `--bearer_token=${target.token}`,
    '--show_ui=false',
    `--num_writers=${WRITERS}`,
    '--max_write_ops=100000',
    `--max_read_ops=${READS_A_SECOND}`,
    // Tessera's server answers duplicates from memory, without writing anything.
    '--dup_chance=0',
    // It ends with 1 when the time is over. It looks at the checkpoint every half second; not in the moment when it is cut off.
    `--max_runtime=${seconds * 1_000 + 250}ms`,
  ])
  const exit = await new Promise<number | null>((resolve) => program.child.on('close', resolve))
  target.seconds += (performance.now() - started) / 1000
  assert.equal(exit, 1, program.said)
  assert.match(program.said, /Max runtime reached/)
  // What was under way when the time was over is cut off.
  const complaints = program.said.split('\n').filter((line) => /^[WEF]\d{4} /.test(line) && !/pushback|context canceled/.test(line))
  assert.deepEqual(complaints, [], target.name)
  target.entries += (await settledSize(target)) - before
}

const rate = ({ entries, seconds }: Target): number => Math.round(entries / seconds)

test(`Tessera’s hammer, readers on, ${SECONDS} s`, { skip }, async (t) => {
  const server = await Served.start(at('data'), `seal: { maxRecords: ${BATCH.entries}, maxDelay: ${BATCH.delay} }\n`, '--test-add', 'hammer')
  const { name, publicKey } = parseVkey(await server.vkey())
  const ours: Target = {
    name: 'Sealtrail',
    log: `${server.url}/log/raw.hammer`,
    add: server.url,
    vkey: formatVkey(name.replace(new RegExp(`${LOG}$`), 'raw.hammer'), TYPE_ED25519, publicKey),
    token: server.token,
    seconds: 0,
    entries: 0,
  }
  writeFileSync(at('ours.vkey'), ours.vkey)

  const seed = randomBytes(32)
  writeFileSync(at('key'), formatSkey('tessera.test/log', TYPE_ED25519, seed))
  const address = `127.0.0.1:${await freePort()}`
  const posix = new Program(tools.posix, [`--storage_dir=${at('tessera')}`, `--listen=${address}`, `--private_key=${at('key')}`])
  await posix.answers(`http://${address}/checkpoint`)
  const theirs: Target = {
    name: 'Tessera POSIX',
    log: `http://${address}`,
    add: `http://${address}`,
    vkey: formatVkey('tessera.test/log', TYPE_ED25519, ed25519PublicKey(seed)),
    token: '',
    seconds: 0,
    entries: 0,
  }

  // Theirs before and after ours: what else the machine does then weighs on both.
  await t.test('Tessera’s own server, first half', () => hammer(theirs, SECONDS / 2))
  await t.test('ours, without an inconsistency', () => hammer(ours, SECONDS))
  await t.test('Tessera’s own server, second half', () => hammer(theirs, SECONDS / 2))
  await posix.stop()

  await t.test('our log of it stands every check', async () => {
    assert.equal(await fsck(tools.fsck, ours.log, at('ours.vkey'), server.token), null)
    await server.stop()
    const { exit, out, err } = await command(['verify', server.data, '--key', ours.vkey])
    assert.equal(exit, 0, `${out}${err}`)
    assert.match(out, /ok {6} log raw\.hammer/)
  })

  await t.test('our write rate beside theirs', () => {
    const share = rate(ours) / rate(theirs)
    t.diagnostic(
      `written a second: Sealtrail ${rate(ours)}, Tessera POSIX ${rate(theirs)} (${share.toFixed(2)} times); ${WRITERS} writers, ${READS_A_SECOND} reads/s, batches of ${BATCH.entries} or ${BATCH.delay}, every commit synced, ${Math.round(ours.seconds)} s each on the same processors`,
    )
    assert.ok(share >= LEAST_SHARE, `${rate(ours)} a second, where Tessera's own server writes ${rate(theirs)}`)
  })
})
