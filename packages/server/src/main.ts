import { run } from './cli/run.ts'

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The first asks for a clean end, the second does not wait for it.
    if (stopping.signal.aborted) process.exit(130)
    stopping.abort()
  })
}
// A reader that has seen enough (`sealtrail query | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 3))

process.exitCode = await run(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  stdin: process.stdin,
  env: process.env,
  cwd: process.cwd(),
  now: Date.now,
  terminal: process.stderr.isTTY === true,
  columns: process.stderr.columns ?? 80,
  stopping: stopping.signal,
})
// What a failed start left running must not keep the process; what is still being written gets its time.
setTimeout(() => process.exit(), 2_000).unref()
