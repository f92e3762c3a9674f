import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SealtrailError } from '../../errors.ts'
import type { Command, Exit } from '../command.ts'

export const bench: Command = {
  name: 'bench',
  summary: 'measure each stage and the whole on this machine (in a checkout)',
  usage: ['[-- what npm run bench takes]'],
  options: {},
  async run(ctx) {
    const script = fileURLToPath(new URL('../../../bench/main.ts', import.meta.url))
    if (!existsSync(script)) throw new SealtrailError('USAGE', 'the benchmark is part of the source checkout and is not here')
    const child = spawn(process.execPath, ['--conditions=@sealtrail/source', script, ...ctx.words, ...(ctx.json ? ['--json'] : [])], {
      stdio: 'inherit',
      cwd: ctx.cwd,
    })
    ctx.stopping.addEventListener('abort', () => child.kill('SIGTERM'), { once: true })
    const code = await new Promise<number | null>((resolve, reject) => child.once('exit', resolve).once('error', reject))
    return (code === 0 || code === 1 || code === 2 ? code : 3) satisfies Exit
  },
}
