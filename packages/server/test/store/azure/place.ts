import type { Timer } from '../../../src/store/azure/client.ts'
import { AzureStore, type AzureOptions } from '../../../src/store/azure/store.ts'
import { PATIENCE } from '../../../src/store/remote.ts'
import type { Place } from '../store.suite.ts'
import { ACCOUNT, AzureServer, CONTAINER, KEY, type ServerOptions } from './server.ts'

/** A clock that stands until it is told to go on. */
export class Clock {
  ms = Date.UTC(2030, 0, 1)
  readonly now = (): number => this.ms
  readonly pass = async (by: number): Promise<void> => void (this.ms += by)
}

/** Time limits that are over when somebody says so, so that no busy machine makes an answer late and nobody waits for one that does not come. */
export class Limits {
  readonly #running = new Set<() => void>()
  readonly timer: Timer = (_ms, run) => {
    this.#running.add(run)
    return () => this.#running.delete(run)
  }
  readonly end = (): void => {
    for (const run of this.#running) run()
  }
}

/** Nothing is waited for in tests: pauses end at once. */
export function optionsFor(server: AzureServer, options: Partial<AzureOptions> = {}): AzureOptions {
  return {
    account: ACCOUNT,
    container: CONTAINER,
    endpoint: server.endpoint,
    accountKey: KEY,
    prefix: '',
    timeoutMs: 5_000,
    requireLock: true,
    patience: { ...PATIENCE, pause: async () => {}, random: () => 0 },
    ...options,
  }
}

export async function placeOn(serverOptions: ServerOptions = {}, options: Partial<AzureOptions> = {}): Promise<Place & { server: AzureServer; clock: Clock }> {
  const clock = new Clock()
  const server = await AzureServer.start({ now: clock.now, ...serverOptions })
  return { server, clock, open: () => AzureStore.open(optionsFor(server, options)), remove: () => server.stop(), assurance: 'store-enforced' }
}

/** A store on a server of its own, for as long as the function runs. */
export async function withStore(
  run: (here: {
    store: AzureStore
    server: AzureServer
    clock: Clock
    limits: Limits
    open(options?: Partial<AzureOptions>): Promise<AzureStore>
  }) => Promise<void>,
  serverOptions: ServerOptions = {},
  options: Partial<AzureOptions> = {},
): Promise<void> {
  const clock = new Clock()
  const server = await AzureServer.start({ now: clock.now, ...serverOptions })
  const limits = new Limits()
  // A little later: what is half there is to arrive first.
  server.hung = () => void setTimeout(limits.end, 20)
  const open = (more: Partial<AzureOptions> = {}): Promise<AzureStore> => AzureStore.open(optionsFor(server, { timer: limits.timer, ...options, ...more }))
  try {
    await run({ store: await open(), server, clock, limits, open })
  } finally {
    await server.stop()
  }
}
