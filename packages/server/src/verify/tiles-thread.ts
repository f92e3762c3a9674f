import { parentPort, workerData } from 'node:worker_threads'
import { readTiles } from './derived.ts'

// Hashes the level files of one log while the main thread audits its segments; one message, then the end.
const { folder, size } = workerData as { folder: string; size: number }
parentPort!.postMessage(readTiles(folder, size))
