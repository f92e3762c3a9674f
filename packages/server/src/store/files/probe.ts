import { hash } from 'node:crypto'
import { SealtrailError } from '../../errors.ts'
import type { Probe, ProbeCheck, ProbeEnv, Store } from '../store.ts'
import { probeOf } from '../verdict.ts'

const SHORT_MS = 60_000

/** Files are declared, never enforced: looked at is whether what is declared is kept, shown and honoured by this program itself. */
export async function probeFiles(store: Store, env: ProbeEnv): Promise<Probe> {
  const bytes = env.random(64)
  const key = `probe/object/${hash('sha256', bytes, 'hex')}`
  const retainUntilMs = env.now() + SHORT_MS
  const checks: ProbeCheck[] = []
  const check = (name: string, held: boolean, seen: string): void => void checks.push({ name, result: held ? 'held' : 'broken', seen, decisive: true })
  await store.put(key, bytes, { mode: 'GOVERNANCE', retainUntilMs })
  const shown = await store.held(key)
  check('declared', shown?.lock?.retainUntilMs === retainUntilMs, shown === null ? 'no object' : 'the lock stands beside the object')
  check('remove-early', await refused(store.remove(key, env.now())), 'this program refuses to remove it before its date')
  await store.hold(key, true)
  check('remove-held', await refused(store.remove(key, retainUntilMs + 1)), 'this program refuses to remove it under a legal hold')
  await store.hold(key, false)
  await store.remove(key, retainUntilMs + 1)
  check('remove-late', (await store.held(key)) === null, 'removed after its date')
  checks.push({ name: 'delete', result: 'broken', seen: 'whoever may write the folder can remove and change its files', decisive: false })
  return probeOf(checks, env.now(), 'declared')
}

function refused(removal: Promise<void>): Promise<boolean> {
  return removal.then(
    () => false,
    (error: unknown) => error instanceof SealtrailError && error.code === 'OBJECT_LOCKED',
  )
}
