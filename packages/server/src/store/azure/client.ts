import { BaseRequestPolicy, ContainerClient, newPipeline, StorageSharedKeyCredential } from '@azure/storage-blob'
import type { RequestPolicy, RequestPolicyOptions, WebResource } from '@azure/storage-blob'
import { SealtrailError } from '../../errors.ts'
import type { Transport } from './transport.ts'

export interface Container {
  readonly account: string
  readonly container: string
  /** Address of the blob service where it is not `https://<account>.blob.core.windows.net`, or null. */
  readonly endpoint: string | null
  /** The account's key, base64; null: whatever identity the platform gives the process. */
  readonly accountKey: string | null
  readonly timeoutMs: number
  readonly timer?: Timer
}

/** Runs something after so many milliseconds, unless what it returns is called before. */
export type Timer = (ms: number, run: () => void) => () => void

const systemTimer: Timer = (ms, run) => {
  const timer = setTimeout(run, ms)
  return () => clearTimeout(timer)
}

/**
 * The container. Each request is made once (whoever calls knows which may be made again) and ends in time, token and body
 * included; the library by itself waits for ever, and offers no signal for policies and holds.
 * @throws SealtrailError CONFIG_INVALID
 */
export async function openContainer(
  { account, container, endpoint, accountKey, timeoutMs, timer = systemTimer }: Container,
  transport: Transport,
): Promise<ContainerClient> {
  const address = endpoint ?? `https://${account}.blob.core.windows.net`
  if (accountKey === null && !address.startsWith('https:'))
    throw new SealtrailError('CONFIG_INVALID', 'without store.accountKey the endpoint of an Azure store has to be https: a token is not sent in clear')
  const pipeline = newPipeline(accountKey === null ? await platformIdentity() : sharedKey(account, accountKey), {
    httpClient: transport,
    retryOptions: { maxTries: 1 },
    userAgentOptions: { userAgentPrefix: 'sealtrail' },
  })
  pipeline.factories.push({ create: (next, options) => new InTime(next, options, (run) => timer(timeoutMs, run)) })
  return new ContainerClient(`${address.replace(/\/+$/, '')}/${container}`, pipeline)
}

function sharedKey(account: string, key: string): StorageSharedKeyCredential {
  if (!/^[A-Za-z0-9+/]{4,}={0,2}$/.test(key)) throw new SealtrailError('CONFIG_INVALID', 'store.accountKey is not the base64 text of an account key')
  return new StorageSharedKeyCredential(account, key)
}

/** Managed identity, workload identity, environment, or whom the Azure command line has signed in; loaded only where there is no key. */
async function platformIdentity(): Promise<InstanceType<typeof import('@azure/identity').DefaultAzureCredential>> {
  const { DefaultAzureCredential } = await import('@azure/identity')
  return new DefaultAzureCredential()
}

class InTime extends BaseRequestPolicy {
  readonly #atEnd: (run: () => void) => () => void

  constructor(next: RequestPolicy, options: RequestPolicyOptions, atEnd: (run: () => void) => () => void) {
    super(next, options)
    this.#atEnd = atEnd
  }

  async sendRequest(request: WebResource): ReturnType<RequestPolicy['sendRequest']> {
    const over = new AbortController()
    request.abortSignal = over.signal
    let inTime = (): void => {}
    const late = new Promise<never>((_, reject) => {
      inTime = this.#atEnd(() => {
        reject(Object.assign(new Error('no answer in time'), { code: 'timeout' }))
        over.abort()
      })
    })
    try {
      return await Promise.race([this._nextPolicy.sendRequest(request), late])
    } finally {
      inTime()
    }
  }
}
