// What an erasure may be asked for with: the texts are sealed in clear, for ever.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JsonObject } from '../../src/event/json.ts'
import { personAlias as aliasOf } from '../../src/event/person-alias.ts'
import { parseErasure, parsePlan, withdrawalOf } from '../../src/privacy/erasure-request.ts'

describe('a request for an erasure', () => {
  it('names a person by kind and value, or by what a value looks like', () => {
    assert.deepEqual(aliasOf('phone:+1 317 555 0142'), { kind: 'phone', value: '+1 317 555 0142' })
    assert.deepEqual(aliasOf('external-id:a:b'), { kind: 'external-id', value: 'a:b' })
    assert.deepEqual(aliasOf('tel:+13175550142'), { kind: null, value: 'tel:+13175550142' })
    assert.deepEqual(aliasOf('ann@mail.example'), { kind: null, value: 'ann@mail.example' })
    assert.deepEqual(parsePlan({ person: ['phone:1', 'email:a@b.example'] }).person.length, 2)
    assert.deepEqual(parseErasure({ person: 'phone:+13175550142', ground: 'GDPR Art. 17(1)(b)' }), {
      person: [{ kind: 'phone', value: '+13175550142' }],
      ground: 'GDPR Art. 17(1)(b)',
      reference: null,
    })
  })

  it('is turned away where a text holds a personal value or the very name, and no answer repeats it', () => {
    const wrong: JsonObject[] = [
      { person: 'external-id:CUST-4711', ground: 'asked for by cust-4711' },
      { person: 'external-id:CUST-4711', ground: 'g', reference: 'CUST-4711' },
      { person: 'external-id:CUST-4711', ground: 'ask +13175550142' },
      { person: 'external-id:CUST-4711', ground: 'g', reference: 'ann@mail.example' },
      { person: 'external-id:CUST-4711', ground: '' },
      { person: 'external-id:CUST-4711' },
      { person: 'external-id:CUST-4711', ground: 'x'.repeat(501) },
      { person: 'external-id:', ground: 'g' },
      { person: '', ground: 'g' },
      { person: [], ground: 'g' },
      { person: Array.from({ length: 33 }, () => 'CUST-4711'), ground: 'g' },
      { person: ['x'.repeat(1_025)], ground: 'g' },
      { person: { CUST: 4711 }, ground: 'g' },
      { ground: 'g' },
      { person: 'CUST-4711', ground: 'g', at: 'once' },
    ]
    for (const body of wrong)
      assert.throws(
        () => parseErasure(body),
        (error: Error & { code?: string }) => error.code === 'BAD_REQUEST' && !/4711|\+1317|mail\.example/i.test(error.message),
        JSON.stringify(body),
      )
    assert.throws(() => parsePlan({ person: 'a', ground: 'g' }), { code: 'BAD_REQUEST' })
    assert.throws(() => withdrawalOf({ reason: 'call +13175550142' }), { code: 'BAD_REQUEST' })
    assert.equal(withdrawalOf({ reason: 'asked twice' }), 'asked twice')
  })
})
