import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rememberKeys } from '../../src/threads/remember-keys.ts'
import type { DataKey, OwnerTokens } from '../../src/vault/vault.ts'

test('what is forgotten is asked for again, also what was being asked for at that moment', async () => {
  const answers: Array<(keys: DataKey[]) => void> = []
  const { keysFor, forget } = rememberKeys(() => new Promise((resolve) => answers.push(resolve)))
  const key = (n: number): DataKey => ({ id: Buffer.alloc(16, n), key: Buffer.alloc(32) })
  const asked = keysFor([['a']])
  forget()
  answers[0]?.([key(1)])
  assert.deepEqual(await asked, [key(1)], 'whoever asked has the answer')
  const again = keysFor([['a']])
  answers[1]?.([key(2)])
  assert.deepEqual(await again, [key(2)], 'and it is not remembered')
  assert.deepEqual(await keysFor([['a']]), [key(2)])
  forget()
  void keysFor([['a']])
  assert.equal(answers.length, 3)
})

function counted(): { asked: string[][]; keysFor: (owners: readonly OwnerTokens[]) => Promise<readonly DataKey[]> } {
  const asked: string[][] = []
  const { keysFor } = rememberKeys(async (owners) => {
    asked.push(owners.map((tokens) => tokens.join('')))
    return owners.map((tokens) => ({ id: Buffer.from(tokens.join('').padEnd(16).slice(0, 16)), key: Buffer.alloc(32) }))
  })
  return { asked, keysFor }
}

test('an owner is asked for once, also within one batch, and every asker gets the same object', async () => {
  const { asked, keysFor } = counted()
  const [a, b, again] = await keysFor([['a'], ['b'], ['a']])
  assert.equal(a, again)
  assert.notEqual(a, b)
  assert.deepEqual(asked, [['a', 'b']])
  assert.deepEqual(await keysFor([['b'], ['a']]), [b, a])
  assert.equal(asked.length, 1)
})

test('other names of an owner are another question: only the vault knows that they are one person', async () => {
  const { asked, keysFor } = counted()
  await keysFor([['a']])
  await keysFor([['a', 'b']])
  assert.deepEqual(asked, [['a'], ['ab']])
})

test('memory is bounded: what was not used for long is asked for again', async () => {
  const { asked, keysFor } = counted()
  await keysFor([['first']])
  for (let i = 0; i < 40_000; i += 1_000) await keysFor(Array.from({ length: 1_000 }, (_, n) => [`${i + n}`]))
  const before = asked.length
  await keysFor([['first']])
  assert.equal(asked.length, before + 1)
})
