import type { Store } from './store.ts'

/** Names of the logs a store holds anything of, ascending as their keys are; one short list for each, however many objects it has. @throws SealtrailError STORE_UNREADABLE */
export async function logsIn(store: Pick<Store, 'list'>): Promise<string[]> {
  const logs: string[] = []
  for (let after = ''; ;) {
    const first = await firstKey(store, after)
    if (first === null) return logs
    const log = first.slice(0, first.indexOf('/'))
    logs.push(log)
    // Behind every key of this log, since `~` is in none.
    after = `${log}/~`
  }
}

async function firstKey(store: Pick<Store, 'list'>, after: string): Promise<string | null> {
  for await (const { key } of store.list('', after)) return key
  return null
}
