import type { KeyAnswer } from '../vault/vault.ts'

type KeysById = (ids: readonly Uint8Array[]) => Promise<KeyAnswer[]>

/** Many small questions to another thread as one: what is asked before the event loop turns goes together. */
export function coalesceKeys(ask: KeysById): KeysById {
  let waiting: Array<{ ids: readonly Uint8Array[]; resolve: (answers: KeyAnswer[]) => void; reject: (error: unknown) => void }> = []
  const send = async (): Promise<void> => {
    const asked = waiting
    waiting = []
    try {
      const answers = await ask(asked.flatMap(({ ids }) => [...ids]))
      let at = 0
      for (const { ids, resolve } of asked) resolve(answers.slice(at, (at += ids.length)))
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }
  return (ids) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ ids, resolve, reject }) === 1) setImmediate(() => void send())
    })
}
