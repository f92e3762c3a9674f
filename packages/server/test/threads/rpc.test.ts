import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { SealtrailError } from '../../src/errors.ts'
import { Caller, answer } from '../../src/threads/rpc.ts'

test('calls cross with their answers, many at a time, in both directions over one channel', async () => {
  const { port1, port2 } = new MessageChannel()
  answer(port1, { double: (n: number) => n * 2 })
  answer(port2, { shout: async (text: string) => text.toUpperCase() })
  const there = new Caller(port2)
  const here = new Caller(port1)
  const results = await Promise.all([...Array.from({ length: 50 }, (_, n) => there.call<number>('double', n)), here.call<string>('shout', 'a')])
  assert.deepEqual(results, [...Array.from({ length: 50 }, (_, n) => n * 2), 'A'])
  port1.close()
})

test('an error crosses as its code and text; one that is no SealtrailError says nothing of its text', async () => {
  const { port1, port2 } = new MessageChannel()
  answer(port1, {
    known: () => {
      throw new SealtrailError('NOT_DURABLE', 'the disk is full')
    },
    unknown: () => {
      throw new TypeError('+13175550142 is not a function')
    },
  })
  const caller = new Caller(port2)
  await assert.rejects(caller.call('known', null), { code: 'NOT_DURABLE', message: 'the disk is full' })
  await assert.rejects(caller.call('unknown', null), (error: SealtrailError) => error.code === 'INTERNAL' && !error.message.includes('555'))
  await assert.rejects(caller.call('nobody', null), { code: 'INTERNAL' })
  port1.close()
})

test('when the other thread ends, whoever waits is told', async () => {
  const { port1, port2 } = new MessageChannel()
  answer(port1, { never: () => new Promise(() => {}) })
  const waiting = new Caller(port2).call('never', null)
  port1.close()
  await assert.rejects(waiting, { code: 'NOT_READY' })
})
