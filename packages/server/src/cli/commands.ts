import type { Command } from './command.ts'
import { bench } from './commands/bench.ts'
import { check } from './commands/check.ts'
import { demo } from './commands/demo.ts'
import { doctor } from './commands/doctor.ts'
import { erase } from './commands/erase.ts'
import { exportCommand } from './commands/export.ts'
import { grant } from './commands/grant.ts'
import { hold } from './commands/hold.ts'
import { ingest } from './commands/ingest.ts'
import { key } from './commands/key.ts'
import { pack } from './commands/pack.ts'
import { person } from './commands/person.ts'
import { quarantine } from './commands/quarantine.ts'
import { query } from './commands/query.ts'
import { rebuild } from './commands/rebuild-index.ts'
import { recover } from './commands/recover.ts'
import { retain } from './commands/retain.ts'
import { schema } from './commands/schema.ts'
import { serve } from './commands/serve.ts'
import { show } from './commands/show.ts'
import { tiles } from './commands/tiles.ts'
import { timestamps } from './commands/timestamps.ts'
import { token } from './commands/token.ts'
import { verify } from './commands/verify.ts'
import { witness } from './commands/witness.ts'

/** Every command of this version, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  demo,
  serve,
  ingest,
  verify,
  show,
  query,
  exportCommand,
  erase,
  person,
  hold,
  grant,
  check,
  tiles,
  timestamps,
  pack,
  schema,
  quarantine,
  retain,
  doctor,
  rebuild,
  recover,
  token,
  key,
  witness,
  bench,
]

/** Commands that later versions have: known, so that nobody looks for a slip of the pen. */
export const LATER: ReadonlySet<string> = new Set(['reconcile'])
