import type { Command } from './command.ts'
import { demo } from './commands/demo.ts'
import { serve } from './commands/serve.ts'

/** Every command of this version, in the order of the help. */
export const COMMANDS: readonly Command[] = [demo, serve]

/** Commands that later versions have: known, so that nobody looks for a slip of the pen. */
export const LATER: ReadonlySet<string> = new Set(['export', 'erase', 'hold', 'retain', 'reconcile', 'recover', 'witness'])
