import { join } from 'node:path'
import { afterEach, beforeEach } from 'node:test'
import { OddWitness, Publishing, RealWitness, TestLog } from './world.ts'

/** The log of the test that runs. */
export let log: TestLog
/** What to end after the test, the last first. */
export const ending: Array<() => unknown> = []
beforeEach(() => {
  log = new TestLog()
})
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
  log.end()
})

/** A witness of ours. */
export async function real(n: number): Promise<RealWitness> {
  const witness = await RealWitness.start(`real${n}.example`, join(log.folder, `witness${n}`), [log.vkey])
  ending.push(() => witness.stop())
  return witness
}

/** A witness that answers as the test says; without, it cosigns whatever it is sent. */
export async function odd(n: number, answer?: OddWitness['answer']): Promise<OddWitness> {
  const witness = await new OddWitness(n).start()
  if (answer !== undefined) witness.answer = answer
  else witness.answer = (body, response) => witness.cosign(body, response)
  ending.push(() => witness.stop())
  return witness
}

/** A publisher over the log, as after a start. */
export function publishing(...args: ConstructorParameters<typeof Publishing> extends [unknown, ...infer Rest] ? Rest : never): Publishing {
  const made = new Publishing(log, ...args)
  ending.push(() => made.publisher.close())
  return made
}
