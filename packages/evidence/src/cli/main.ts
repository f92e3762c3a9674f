#!/usr/bin/env node
import { run } from './run.ts'

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough, e.g. `head`: no reason to claim anything went wrong with the evidence, nor that all is well.
  if (error.code === 'EPIPE') process.exit(3)
})
process.exitCode = await run(process.argv.slice(2), {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  cwd: process.cwd(),
  terminal: process.stderr.isTTY,
})
