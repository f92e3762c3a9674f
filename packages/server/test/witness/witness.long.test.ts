import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { chmodSync, copyFileSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { cosignatureVerifier, ed25519Verifier, openCheckpoint, parsePolicy, parseVkey, readCosignatures } from '@sealtrail/tlog'
import { createLog } from '../../src/observe/log.ts'
import { openWitness } from '../../src/witness/open.ts'
import { sealtrail } from '../cli/io.ts'
import { RealWitness } from '../publish/world.ts'
import { add, Tree, WitnessProcess } from './serve.ts'

const ORIGIN = 'audit.example.com/cc/calls'
const NAME = 'witness.example.org/audit'
const hashOf = (origin: string): string => createHash('sha256').update(origin).digest('hex')
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealtrail-witness-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('over HTTP', () => {
  let witness: RealWitness
  let url: string
  let place: string
  const log = new Tree(ORIGIN).grow(40)
  before(async () => {
    place = mkdtempSync(join(tmpdir(), 'sealtrail-witness-http-'))
    witness = await RealWitness.start(NAME, join(place, 'w'), [log.signer.vkey])
    url = witness.listening.url
  })
  after(async () => {
    await witness.stop()
    rmSync(place, { recursive: true, force: true })
  })
  const monitor = (path: string, method = 'GET'): Promise<Response> => fetch(`${url}${path}`, { method })

  test('a conversation with every status there is', async () => {
    assert.equal((await monitor(`/${hashOf(ORIGIN)}/checkpoint`)).status, 404, 'never cosigned')
    const stranger = new Tree('stranger.example').grow(3)
    const steps: ReadonlyArray<readonly [string, string, number]> = [
      ['unknown origin', stranger.request(0, 3), 404],
      ['no signature of ours', log.request(0, 5).replace(/\u2014 \S+ \S+\n$/, `\u2014 x.example ${'A'.repeat(88)}\n`), 403],
      ['spoiled signature', log.request(0, 5).replace(/(.)(={1,2}\n)$/, (_, c: string, end: string) => `${c === 'A' ? 'Q' : 'A'}${end}`), 403],
      ['a proof from nothing', log.request(0, 5).replace('\n\n', `\n${'A'.repeat(43)}=\n\n`), 422],
      ['old beyond the checkpoint', log.request(6, 5), 400],
      ['no request', 'hello', 400],
      ['the first', log.request(0, 5), 200],
      ['the same once more, as if for the first time', log.request(0, 5), 409],
      ['the same once more', log.request(5, 5), 200],
      ['growth', log.request(5, 17), 200],
      ['replayed', log.request(5, 17), 409],
      ['backwards', log.request(5, 9), 409],
      ['a proof of another growth', log.request(17, 40).replace(/\n[^\n]+=\n/, `\n${'A'.repeat(43)}=\n`), 422],
      ['another root at the same size', log.fork(16).grow(17, 'x').request(17, 17), 422],
      ['a fork that grew', log.fork(3).grow(30, 'x').request(17, 30), 422],
      ['the rest', log.request(17, 40), 200],
    ]
    let size = 0
    for (const [what, body, status] of steps) {
      const answer = await add(url, body)
      assert.equal(answer.status, status, `${what}: ${answer.text}`)
      if (status === 409) assert.deepEqual([answer.type, answer.text], ['text/x.tlog.size', `${size}\n`])
      if (status !== 200) continue
      const text = body.slice(body.indexOf('\n\n') + 2).replace(/\n\n[^]*$/, '\n')
      size = Number(text.split('\n')[1])
      assert.equal(readCosignatures(Buffer.from(answer.text), text, [cosignatureVerifier(witness.open.vkey)]).length, 1)
      const served = await monitor(`/${hashOf(ORIGIN)}/checkpoint`)
      const opened = openCheckpoint(await served.text(), {
        origin: ORIGIN,
        log: [ed25519Verifier(log.signer.vkey)],
        witnesses: [cosignatureVerifier(witness.open.vkey)],
        quorum: 1,
      })
      assert.equal(Number(opened.size), size)
      const seconds = Number(opened.cosignatures[0]?.time)
      assert.ok(Math.abs(seconds - Date.now() / 1000) < 60)
    }
    // The fork at the same size is kept: it proves the lie to anybody.
    const [evidence] = readdirSync(join(witness.data, 'evidence'))
    assert.match(readFileSync(join(witness.data, 'evidence', evidence as string), 'utf8'), /^audit\.example\.com\/cc\/calls\n17\n/)
  })

  test('paths, methods, sizes', async () => {
    for (const [path, method, status] of [
      ['/', 'GET', 200],
      ['/', 'HEAD', 200],
      ['/', 'POST', 405],
      ['/add-checkpoint', 'GET', 405],
      ['/add-checkpoint/', 'GET', 404],
      ['/add-checkpoint?x', 'GET', 404],
      ['/favicon.ico', 'GET', 404],
      [`/${hashOf('nobody')}/checkpoint`, 'GET', 404],
      [`/${hashOf(ORIGIN).toUpperCase()}/checkpoint`, 'GET', 404],
      [`/${hashOf(ORIGIN)}/checkpoint`, 'DELETE', 405],
      ['/%2e%2e/witness.key', 'GET', 404],
    ] as const)
      assert.equal((await monitor(path, method)).status, status, `${method} ${path}`)
    assert.equal((await add(url, 'x'.repeat(16_385))).status, 413)
    assert.equal((await add(url, 'x'.repeat(16_384))).status, 400)
  })

  test('keeps connections, takes pipelined requests, and answers nonsense on the wire', async () => {
    const { port } = witness.listening
    const said = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString()
        if (text.match(/409 Conflict[^]+409 Conflict[^]+\n40\n$/) !== null) socket.write('not http at all\r\n\r\n')
      })
      socket.on('close', () => resolve(text))
      const body = log.request(0, 5)
      const post = `POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
      socket.write(post + post)
    })
    assert.equal(said.match(/HTTP\/1\.1 409 Conflict/g)?.length, 2)
    assert.match(said, /HTTP\/1\.1 400/)
  })

  test('conflicting requests at once: never two cosignatures for one size with different roots', async () => {
    const one = new Tree(ORIGIN).grow(40)
    const histories = [one.grow(60), one.fork(40).grow(60, 'a'), one.fork(45).grow(60, 'b')]
    const roots = new Map<string, Set<string>>()
    const asked = Array.from({ length: 240 }, (_, i) => {
      const history = histories[i % 3] as Tree
      const size = 41 + (i % 20)
      const old = i % 5 === 0 ? 40 : 40 + (i % (size - 40 + 1))
      return { old: Math.min(old, size), size, history }
    })
    const answers = await Promise.all(
      asked.map(async ({ old, size, history }) => ({ size, note: history.note(size), ...(await add(url, history.request(old, size))) })),
    )
    for (const { status, size, note } of answers) {
      assert.ok([200, 409, 422].includes(status), String(status))
      if (status !== 200) continue
      const root = note.split('\n')[2] as string
      roots.set(String(size), (roots.get(String(size)) ?? new Set()).add(root))
    }
    assert.ok(roots.size > 0)
    for (const [size, seen] of roots) assert.equal(seen.size, 1, `size ${size}`)
    // And what was cosigned is one history: each is a beginning of the last.
    const cosigned = answers.filter(({ status }) => status === 200)
    assert.ok(histories.some((history) => cosigned.every(({ size, note }) => history.note(size) === note)))
  })
})

test('a fork that is sent again and again is said once per log and minute, with a count', () => {
  let now = 1_800_000_000_000
  const lines: Record<string, unknown>[] = []
  const log = createLog({ level: 'error', now: () => now, write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) })
  const one = new Tree(ORIGIN).grow(9)
  const other = new Tree(`${ORIGIN}/other`).grow(9)
  const logs = [one, other].map(({ signer }) => signer.vkey)
  const witness = openWitness({ data: join(folder, 'w'), name: NAME, logs, now: () => now, random: randomBytes, log })
  const send = (request: string): number => witness.service.addCheckpoint(Buffer.from(request)).status
  const fork = (tree: Tree): void => assert.equal(send(tree.fork(4).grow(9, 'x').request(9, 9)), 422)
  const said = (): unknown[] => lines.splice(0).map(({ origin, requests }) => [origin, requests])
  try {
    for (const tree of [one, other]) assert.equal(send(tree.request(0, 9)), 200)
    for (let i = 0; i < 30; i++) fork(one)
    assert.deepEqual(said(), [[ORIGIN, 1]])
    fork(other)
    assert.deepEqual(said(), [[`${ORIGIN}/other`, 1]])
    now += 59_999
    fork(one)
    assert.deepEqual(said(), [])
    now += 1
    fork(one)
    assert.deepEqual(said(), [[ORIGIN, 31]])
    // A clock set back does not silence it.
    now -= 3_600_000
    fork(one)
    assert.deepEqual(said(), [[ORIGIN, 1]])
  } finally {
    witness.close()
  }
})

describe('as a process', () => {
  const log = new Tree(ORIGIN).grow(30)
  const args = (...more: string[]): string[] => ['--data', join(folder, 'w'), '--name', NAME, '--log', log.signer.vkey, ...more]
  const bare = (env: Record<string, string> = {}): WitnessProcess => WitnessProcess.bare(join(folder, 'w'), NAME, log.signer.vkey, env)

  test('prints a vkey of type 0x04 and a policy line that parses; keeps key and state over a restart', async () => {
    const first = WitnessProcess.command(...args('--url', 'https://w.example.org/'))
    const said = await first.listening
    assert.deepEqual([parseVkey(said.vkey).type, parseVkey(said.vkey).name], [4, NAME])
    const policy = parsePolicy(`${said.policy}\nquorum ${NAME}\n`)
    assert.equal(policy.witnesses[0]?.url, 'https://w.example.org')
    assert.deepEqual(said.logs, [ORIGIN])
    assert.equal(statSync(join(folder, 'w/witness.key')).mode & 0o777, 0o600)
    assert.match(await (await fetch(said.listening)).text(), new RegExp(said.vkey.replaceAll('+', '\\+')))
    assert.equal((await add(said.listening, log.request(0, 9))).status, 200)
    // No second process on the same directory.
    const second = WitnessProcess.command(...args())
    await assert.rejects(second.listening, /DATA_IN_USE/)
    assert.equal(await second.ended, 3)
    await first.stop()
    assert.equal(await first.ended, 0)
    const again = bare()
    assert.equal((await again.listening).vkey, said.vkey)
    assert.equal((await add((await again.listening).listening, log.request(0, 9))).text, '9\n')
    await again.stop()
  })

  test('killed between persisting and answering: nobody has the cosignature, and no other history gets one', async () => {
    for (const round of [0, 1]) {
      const at = round * 10
      const killed = bare({ SEALTRAIL_CRASH_AT: 'witness:persisted' })
      const { listening } = await killed.listening
      await assert.rejects(add(listening, log.request(at, at + 10)))
      assert.equal(await killed.ended, 'SIGKILL')
      const back = bare()
      const url = (await back.listening).listening
      assert.equal(
        (
          await add(
            url,
            log
              .fork(at + 5)
              .grow(at + 10, 'x')
              .request(at + 10, at + 10),
          )
        ).status,
        422,
      )
      assert.deepEqual([(await add(url, log.request(at, at + 10))).text, (await add(url, log.request(at + 10, at + 10))).status], [`${at + 10}\n`, 200])
      await back.stop()
    }
  })

  test('killed at any moment under load: what was answered stands', async () => {
    for (const delay of [3, 7, 20]) {
      const child = bare()
      const url = (await child.listening).listening
      let answered = 0
      const known = Number((await add(url, log.request(0, 1))).text.trim()) || 1
      answered = known
      let killed = false
      const timer = setTimeout(() => {
        killed = true
        child.child.kill('SIGKILL')
      }, delay)
      try {
        for (let size = known + 1; size <= 30; size++) {
          const { status } = await add(url, log.request(answered, size))
          if (status === 200) answered = size
        }
      } catch {
        // The connection died with it.
      }
      clearTimeout(timer)
      if (!killed) child.child.kill('SIGKILL')
      await child.ended
      const back = bare()
      const held = Number((await add((await back.listening).listening, log.request(0, 1))).text)
      assert.ok(held >= answered, `${held} of ${answered}`)
      await back.stop()
    }
  })

  test('refuses what it cannot trust at the start', async () => {
    const refused = async (pattern: RegExp, ...given: string[]): Promise<void> => {
      const { exit, err } = await sealtrail(['witness', 'serve', '--listen', '127.0.0.1:0', ...given], { cwd: folder })
      assert.match(err, pattern)
      assert.ok(exit === 2 || exit === 3)
    }
    const data = join(folder, 'w')
    await refused(/needs at least one log/, '--data', data, '--name', NAME)
    await refused(/needs --name/, '--data', data, '--log', log.signer.vkey)
    await refused(/no verification key of a log/, ...args('hello'))
    await refused(/no key name/, '--data', data, '--name', 'a b', '--log', log.signer.vkey)
    assert.equal(existsSync(join(data, 'witness.key')), false)
    const made = bare()
    const { listening } = await made.listening
    await add(listening, log.request(0, 9))
    await made.stop()
    await refused(/keeps its name/, '--data', data, '--name', 'other.example', '--log', log.signer.vkey)
    chmodSync(join(data, 'witness.key'), 0o644)
    await refused(/KEY_PERMISSIONS/, ...args())
    chmodSync(join(data, 'witness.key'), 0o600)
    // Another key over this state, a state without its key, a damaged state.
    copyFileSync(join(data, 'witness.key'), join(folder, 'key'))
    const other = WitnessProcess.bare(join(folder, 'other'), NAME, log.signer.vkey)
    await other.listening
    await other.stop()
    copyFileSync(join(folder, 'other/witness.key'), join(data, 'witness.key'))
    await refused(/not cosigned by this witness/, ...args())
    rmSync(join(data, 'witness.key'))
    await refused(/a state and no key/, ...args())
    copyFileSync(join(folder, 'key'), join(data, 'witness.key'))
    writeFileSync(join(data, 'witness.sqlite'), 'not a database, but long enough to look like something that was one once')
    await refused(/DATA_CORRUPT/, ...args())
  })

  test('takes logs from a file with comments, keys of one origin and words of other lists', async () => {
    const rotated = new Tree(ORIGIN, 12).grow(9)
    const second = new Tree('other.example/log', 13).grow(9)
    const file = join(folder, 'logs')
    writeFileSync(file, `# logs\n\n${log.signer.vkey}\nvkey ${rotated.signer.vkey}\nlog ${second.signer.vkey} https://other.example/log\n`)
    const child = WitnessProcess.command('--data', join(folder, 'w'), '--name', NAME, '--logs', file)
    const { listening, logs } = await child.listening
    assert.deepEqual(logs, [ORIGIN, 'other.example/log'])
    assert.equal((await add(listening, rotated.request(0, 9))).status, 200)
    assert.equal((await add(listening, second.request(0, 9))).status, 200)
    await child.stop()
  })
})
