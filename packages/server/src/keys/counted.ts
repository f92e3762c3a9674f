import { SealtrailError } from '../errors.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Kms, Signer } from './kms.ts'

/** Told of each call to a key service. */
export interface CallCounts {
  /** `code` is `ok`, or of an error. */
  call(service: string, operation: string, code: string): void
}

export function keyServiceCounts(metrics: Metrics): CallCounts {
  const calls = metrics.counter('sealtrail_key_service_calls_total', 'Calls to the service that keeps the keys, by outcome.', ['service', 'operation', 'code'])
  return { call: (...of) => calls.add(1, ...of) }
}

/** The same service, its calls counted. */
export function countedKms(kms: Kms, counts: CallCounts): Kms {
  const told = (operation: string, error: unknown): void =>
    counts.call(kms.keeper, operation, error === null ? 'ok' : error instanceof SealtrailError ? error.code : 'INTERNAL')
  const counted = async <T>(operation: string, run: () => Promise<T>): Promise<T> => {
    try {
      const result = await run()
      told(operation, null)
      return result
    } catch (error) {
      told(operation, error)
      throw error
    }
  }
  const countedSigner = ({ publicKey, sign }: Signer): Signer => ({
    publicKey,
    sign(message) {
      try {
        const signature = sign(message)
        told('sign', null)
        return signature
      } catch (error) {
        told('sign', error)
        throw error
      }
    },
  })
  const { held } = kms
  return {
    keeper: kms.keeper,
    lock: (secret, name) => counted('lock', () => kms.lock(secret, name)),
    unlock: (locked, name) => counted('unlock', () => kms.unlock(locked, name)),
    held:
      held === null
        ? null
        : {
            make: (name) => counted('make', () => held.make(name)),
            open: async (name, publicKey) => countedSigner(await counted('open', () => held.open(name, publicKey))),
          },
    close: () => kms.close(),
  }
}
