// `npm test`: every suite that needs nothing but npm, sources run as they are.
import { spawnSync } from 'node:child_process'

const globs = process.argv.slice(2)
const patterns = globs.length > 0 ? globs : ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts']
const run = spawnSync(process.execPath, ['--conditions=@sealtrail/source', '--test', '--test-reporter=spec', ...patterns], {
  stdio: 'inherit',
})
process.exit(run.status ?? 1)
