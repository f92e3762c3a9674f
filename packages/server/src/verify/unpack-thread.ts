import { parentPort } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { unpackFrame } from './unpack-frame.ts'

// Unpacks and hashes segments for the thread that follows the log; one answer a frame, in order.
const port = parentPort as MessagePort
port.on('message', (frame: Uint8Array) => {
  const unpacked = unpackFrame(frame)
  const { ndjson, facts } = unpacked
  const moved = [ndjson, facts?.leaves].filter((bytes) => bytes !== undefined && bytes !== null).map(({ buffer }) => buffer as ArrayBuffer)
  port.postMessage(unpacked, moved)
})
