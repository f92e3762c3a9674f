import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import type { Config } from '../config/config.ts'
import { Follower } from '../index/follower.ts'
import { openIndex } from '../index/level/open.ts'
import { createLog, errorFields } from '../observe/log.ts'
import { fromFeed } from './feed.ts'
import type { ToForget } from './forgetting.ts'
import type { FedCommit } from './feed.ts'
import { LEVEL_HANDLERS } from './level-threads.ts'
import { openReadSide } from './read-side.ts'
import { answer } from './rpc.ts'
import { Sizes } from './sizes.ts'

/** The index thread: follows the logs, never in anybody's way. */
export interface IndexWorkerData {
  readonly config: Config
  readonly logs: readonly string[]
  readonly sizes: SharedArrayBuffer
}

const port = parentPort as MessagePort
answer(port, LEVEL_HANDLERS)
const { config, logs, sizes } = workerData as IndexWorkerData
const log = createLog({ now: Date.now })
const index = await openIndex(join(config.data, 'index'), (message) => log.warn(message))
const side = await openReadSide(config, new Sizes(logs, sizes), () => Promise.resolve([]))
/** Commits whose memory is free once the index has them: freed at once, not when a collection of this small heap comes round. */
const waiting = new Map<string, FedCommit[]>()
const follower = new Follower({
  index,
  records: side.records,
  tokens: (auditids) => Promise.all(auditids.map((auditid) => side.tokens(auditid))),
  onProgress(name, size) {
    const fed = waiting.get(name) ?? []
    while (fed[0] !== undefined && fed[0].first + fed[0].tokenOffsets.length - 1 <= size) {
      const { ndjson, tokens } = fed.shift() as FedCommit
      ;(ndjson.buffer as ArrayBuffer).transfer(0)
      ;(tokens.buffer as ArrayBuffer).transfer(0)
    }
  },
  onFailure: (error) => log.error('the index cannot be written; answers come from the segments until it is rebuilt', errorFields(error)),
})

interface Forget {
  readonly forget: number
  readonly what: ToForget
}

function forgets(what: ToForget): Promise<void> {
  if (what === 'scrub') return index.scrub()
  return 'records' in what ? follower.forget(what.log, what.first, what.records) : follower.forgetTokens(what.log, what.tokensOf)
}

port.on('message', (message: FedCommit | Forget | 'close') => {
  if (Array.isArray(message)) return // calls that `answer` takes
  if (typeof message === 'object' && 'forget' in message) {
    const { forget, what } = message
    forgets(what).then(
      () => port.postMessage({ forgotten: forget }),
      (error: unknown) => {
        log.error('the index could not forget what is to go', errorFields(error))
        port.postMessage({ forgotten: forget, failed: true })
      },
    )
    return
  }
  if (message !== 'close') {
    waiting.set(message.log, [...(waiting.get(message.log) ?? []), message])
    follower.push(fromFeed(message))
    return
  }
  void follower
    .idle()
    .then(() => follower.close())
    .then(() => Promise.all([index.close(), side.close()]))
    .then(() => process.exit(0))
})
port.postMessage('ready')
void follower.catchUp()
