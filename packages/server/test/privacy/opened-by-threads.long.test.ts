// Grants, checks and subject access on a server with its threads, asked from the command line.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { verifyBundle } from '@sealtrail/evidence'
import type { JsonObject } from '../../src/event/json.ts'
import type { Role } from '../../src/http/ports.ts'
import { createLog } from '../../src/observe/log.ts'
import { startServer } from '../../src/threads/server.ts'
import type { Server } from '../../src/threads/server.ts'
import { sealtrail } from '../cli/io.ts'
import type { Ran } from '../cli/io.ts'
import { grep } from '../flow/harness.ts'
import { call, openShop, VALUES } from './methods-world.ts'
import type { Shop } from './methods-world.ts'

describe('values opened by a server with its threads', () => {
  let shop: Shop
  let server: Server
  let id = ''
  const as = (role: Role, args: readonly string[], stdin = ''): Promise<Ran> =>
    sealtrail([...args, '--url', server.url], { stdin, env: { SEALTRAIL_TOKEN: String(shop.world.tokens.get(role)) } })

  before(async () => {
    shop = await openShop('', 'limits: { checksPerHour: 4 }')
    id = await shop.seal(call('case-1'))
    await shop.world.local.close()
    const log = createLog({ now: Date.now, level: 'error', write: (line) => void shop.world.lines.push(line) })
    // Two threads that answer: what one is told the other goes by.
    server = await startServer({ ...shop.world.loaded.config, ingestThreads: 2, listen: { host: '127.0.0.1', port: 0 } }, { log })
  })
  after(async () => {
    await server.close()
    await shop.world.start('trails: { shop: { pack: ./shop } }')
    await shop.world.end()
  })

  const seen = async (): Promise<unknown> => {
    const { out } = await as('auditor', ['show', id, '--purpose', 'case-5', '--json'])
    return ((JSON.parse(out) as JsonObject)['data'] as JsonObject)['name']
  }

  it('a grant counts on every thread from when it is given until it is revoked', async () => {
    const given = await as('officer', ['grant', 'give', '--to', 'auditor.token', '--for', 'case-5', '--fields', 'name', '--subject', 'case-1', '--until', '7d'])
    assert.equal(given.exit, 0, given.err)
    assert.match(given.out, /^[0-9a-f]{32} {2}given by officer.token, until \d{4}-.*\n$/)
    for (let i = 0; i < 6; i++) assert.equal(await seen(), VALUES.commit)
    const grant = given.out.slice(0, 32)
    assert.match((await as('auditor', ['grant', 'list'])).out, new RegExp(`^${grant} {2}auditor.token {2}case-5 {2}case-1 {2}name {2}given by officer.token`))
    assert.match((await as('officer', ['grant', 'revoke', grant])).out, /revoked by officer.token on/)
    for (let i = 0; i < 6; i++) assert.equal(await seen(), null)
    assert.equal((await as('officer', ['grant', 'revoke', grant])).exit, 1, 'nothing is left to revoke')
  })

  it('a check from stdin says yes or no, and is counted over all threads', async () => {
    const ask = (value: string): Promise<Ran> => as('auditor', ['check', id, '--path', 'loyalty'], `${value}\n`)
    assert.deepEqual([(await ask(VALUES.verifyOnly)).exit, (await ask('GOLD-0000')).exit], [0, 1])
    const json = await as('auditor', ['check', id, '--path', 'loyalty', '--value', VALUES.verifyOnly, '--json'])
    assert.deepEqual(JSON.parse(json.out), { log: 'shop', auditid: id, path: 'loyalty', state: 'sealed', matches: true })
    await ask('GOLD-0001')
    const late = await ask(VALUES.verifyOnly)
    assert.match(late.err, /TOO_MANY_CHECKS/)
    assert.notEqual(late.exit, 0)
  })

  it('a subject access is made in a thread of its own, fetched, and verifies', async () => {
    const file = join(shop.world.folder, 'hers.zip')
    const made = await as('officer', ['export', '--person', `phone:${VALUES.token}`, '--subject-access', '-o', file, '--purpose', 'DSAR-1'])
    assert.equal(made.exit, 0, made.err)
    assert.deepEqual((await verifyBundle(new Blob([readFileSync(file)]), { vkeys: [server.sealing.vkey('shop')] })).problems, [])
    assert.match((await as('auditor', ['export', '--person', VALUES.token, '--subject-access', '-o', `${file}.2`])).err, /FORBIDDEN/)
    assert.match((await as('officer', ['export', '--subject', 'case-1', '--subject-access', '-o', `${file}.2`])).err, /goes with --person/)
    assert.deepEqual(grep('log', shop.world.lines.join('\n'), Object.values(VALUES)), [])
  })

  it('wrong use says what is right', async () => {
    for (const args of [
      ['grant'],
      ['grant', 'give'],
      ['grant', 'give', '--to', 'a', '--for', 'b', '--fields', 'c', '--until', '7d'],
      ['grant', 'give', '--to', 'a', '--for', 'b', '--fields', 'c', '--until', 'soon', '--trail', 'shop'],
      ['grant', 'revoke'],
      ['grant', 'lift', 'x'],
      ['check'],
      ['check', 'ID'],
      ['check', 'a', 'b', '--path', 'p'],
    ])
      assert.equal((await as('officer', args)).exit, 2, args.join(' '))
  })
})
