// "Is it this one?": a value is compared with what a record commits to, and never shown.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { auditIdBytes } from '@sealtrail/evidence'
import type { Role } from '../../src/http/ports.ts'
import type { Answer } from '../flow/harness.ts'
import { grep, grepAll } from '../flow/harness.ts'
import { call, openShop, VALUES } from './methods-world.ts'
import type { Shop } from './methods-world.ts'
import { tokensOf } from './tokens-of.ts'

describe('is it this one?', () => {
  let shop: Shop
  let id = ''
  let now = Date.UTC(2031, 0, 2)
  const check = (path: string, value: unknown, role: Role = 'auditor', headers: Record<string, string> = {}): Promise<Answer> =>
    shop.world.send(`/api/v1/records/${id}/check`, { path, value }, { role, headers })
  const answered = async (...asked: Parameters<typeof check>): Promise<unknown> => {
    const { body } = await check(...asked)
    return [body['state'], body['matches']]
  }
  before(async () => {
    shop = await openShop('', 'limits: { checksPerHour: 40 }', { now: () => now })
    id = await shop.seal(call('case-1', { age: 42, code: '42' }))
  })
  after(() => shop.world.end())

  it('answers yes or no, of a verify-only value and of any other that the role may not see', async () => {
    for (const role of ['auditor', 'officer'] as const) {
      assert.deepEqual(await answered('loyalty', VALUES.verifyOnly, role), ['sealed', true])
      assert.deepEqual(await answered('loyalty', 'GOLD-4711-QR', role), ['sealed', false])
      assert.deepEqual(await answered('name', VALUES.commit, role), ['sealed', true])
      assert.deepEqual(await answered('name', VALUES.commit.toLowerCase(), role), ['sealed', false])
    }
    assert.deepEqual(await answered('others', [VALUES.list]), ['sealed', false], 'the list is committed element by element')
    assert.deepEqual(await answered('others', VALUES.list), ['sealed', true])
    assert.deepEqual(await answered('attributes', { key: 'tier', value: VALUES.map }), ['sealed', true])
    for (const [path, value, expected] of [
      ['age', 42, true],
      ['age', '42', true],
      ['code', 42, true],
      ['code', '42', true],
      ['age', '42.0', false],
      ['age', '', false],
    ] as const)
      assert.deepEqual(await answered(path, value), ['sealed', expected], `${path} ${value}`)
  })

  it('says nothing of a card number to who sees it masked: BIN and last four beside it make it soon tried', async () => {
    const answer = await check('card', VALUES.mask)
    assert.deepEqual([answer.status, answer.body['code']], [403, 'FORBIDDEN'])
    assert.deepEqual(await answered('card', VALUES.mask, 'officer'), ['sealed', true])
  })

  it('of a place where nothing is committed, or no record, there is nothing to ask', async () => {
    for (const path of ['shop', 'jane@example.com', 'password', '/name']) assert.equal((await check(path, 'x')).status, 404, path)
    assert.equal((await shop.world.send('/api/v1/records/01HXXBHG2800000000000000AA/check', { path: 'name', value: 'x' }, { role: 'auditor' })).status, 404)
    for (const body of [{}, { path: 'name' }, { value: 'x' }, { path: 'name', value: 'x', more: 1 }, { path: 1, value: 'x' }])
      assert.equal((await shop.world.send(`/api/v1/records/${id}/check`, body, { role: 'auditor' })).status, 400)
  })

  it('each ask is sealed with who, why, which record and path; neither value nor answer is in it', async () => {
    now += 3_600_001
    await check('name', VALUES.commit, 'auditor', { 'x-audit-purpose': 'case-9' })
    await check('name', 'Somebody Else-Entirely', 'auditor')
    const [first, second] = (await shop.world.system('check')).slice(-2)
    assert.deepEqual(
      { ...first, at: '' },
      { asked: 1, at: '', auditid: id, log: 'shop', matched: 0, path: 'name', purpose: 'case-9', refused: 0, role: 'auditor', token: 'auditor.token' },
    )
    assert.deepEqual([second?.['asked'], second?.['matched'], second?.['purpose']], [2, 1, null])
    const paths = (await shop.world.system('check')).map(({ path }) => path)
    assert.ok(!paths.includes('jane@example.com'), 'no text of the asker’s is sealed')
    const asked = ['Somebody Else-Entirely', ...Object.values(VALUES)]
    assert.deepEqual(await grepAll(shop.world.data, asked), [])
    const metrics = (await shop.world.get('/metrics')).text
    assert.deepEqual(grep('log', shop.world.lines.join('\n'), asked), [])
    assert.match(metrics, /sealtrail_checks_total\{answer="match"\} \d+/)
  })

  it('who asks too often is turned away for the rest of the hour, and that is told; another token is not', async () => {
    now += 3_600_001
    for (let i = 0; i < 40; i++) assert.equal((await check('loyalty', `GOLD-${i}`)).status, 200)
    const late = await check('loyalty', VALUES.verifyOnly)
    assert.deepEqual([late.status, late.body['code'], late.headers.get('retry-after')], [429, 'TOO_MANY_CHECKS', '600'])
    assert.equal((await check('loyalty', VALUES.verifyOnly, 'officer')).status, 200)
    now += 3_600_001
    assert.deepEqual(await answered('loyalty', VALUES.verifyOnly), ['sealed', true])
    assert.equal((await shop.world.system('check')).at(-1)?.['refused'], 1)
  })

  it('a value whose key is destroyed is erased, one whose row is gone missing: never "no"', async () => {
    const { vault } = shop.world.local.sealing
    const token = tokensOf(shop.world, 'phone', VALUES.token)[3] as string
    const lost = await shop.seal(call('case-3', { phone: '+13175550199', name: 'Gone' }))
    await vault.expire([auditIdBytes(lost)])
    const missing = await shop.world.send(`/api/v1/records/${lost}/check`, { path: 'name', value: 'Gone' }, { role: 'officer' })
    assert.deepEqual([missing.body['state'], missing.body['matches']], ['missing', null])
    const { keyIds } = await vault.personOf([token])
    await vault.destroyKeys(
      keyIds.map((key) => Buffer.from(key, 'latin1')),
      now,
      'c'.repeat(32),
    )
    assert.deepEqual(await answered('loyalty', VALUES.verifyOnly, 'officer'), ['erased', null])
  })

  it('an audit counts a verify-only value as there', async () => {
    const other = await openShop()
    try {
      await other.seal(call('case-1'))
      assert.deepEqual(await other.world.closeAndAudit(), [])
    } finally {
      await other.world.end()
    }
  })
})
