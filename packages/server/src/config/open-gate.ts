import { join } from 'node:path'
import { Gate } from '../assure/gate.ts'
import { Notebook } from '../assure/notebook.ts'
import { promisedOf } from '../assure/observation.ts'
import type { Config } from './config.ts'
import { describe } from './store-place.ts'

/** What was observed of the store before this start, and what follows from it until it is observed again. `damaged` is told when that cannot be read. */
export function openGate({ data, store }: Pick<Config, 'data' | 'store'>, env: { damaged(): void; now(): number }): { gate: Gate; notebook: Notebook } {
  const { type } = store.place
  const address = describe(store.place)
  const notebook = Notebook.open(join(data, 'assurance.json'), address, () => env.damaged())
  const gate = new Gate({ name: type, store: address, promised: promisedOf(type), unlocked: store.unlocked, last: notebook.notes.last, now: env.now })
  return { gate, notebook }
}
