import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import type { KeysConfig } from '../config/keys-config.ts'
import { keepKeysPlace, placeOfKeys } from '../config/keys-place.ts'
import { moveKeys } from '../config/move-keys.ts'
import { keysFolder, openServices } from '../config/open-keys.ts'
import { SealtrailError } from '../errors.ts'
import type { Services } from '../keys/files/keyring.ts'
import { openLedger } from '../sequence/level/ledger.ts'
import type { Context, Exit } from './command.ts'
import { settings } from './settings.ts'

/** Ways to have an existing ring locked otherwise; each opens the data directory itself, so no server may run. */
export const MOVING = ['lock', 'unlock', 'passphrase', 'move'] as const
export type Moving = (typeof MOVING)[number]

/** `key lock|unlock|passphrase|move`. @throws SealtrailError USAGE, DATA_IN_USE, and as `moveKeys` */
export async function moveRing(ctx: Context, what: Moving): Promise<Exit> {
  if (ctx.text('data') === undefined && ctx.text('config') === undefined)
    throw new SealtrailError('USAGE', `key ${what} opens the data directory itself: give --data DIR, with no server running`)
  const config = settings(ctx, { warn: true })
  const { from, to } = endsOf(ctx, what, config)
  const free = await alone(config)
  const opened: Services[] = []
  const open = async (keys: KeysConfig, create: boolean): Promise<Services> => {
    const services = await openServices(keys.keeping, { create })
    opened.push(services)
    return services
  }
  try {
    const old = await open(from, false)
    const next = to === null ? [] : await open(to, true)
    const { moved, kept, held } = await moveKeys(keysFolder(config), old, next, randomBytes)
    // Dying before: the ring is moved, and the configuration says by whom it is kept; this note is for commands that have none.
    if (to !== null) keepKeysPlace(config.data, { ...to, folder: placeOfKeys(config).folder })
    const how = next[0] === undefined ? 'in clear' : `locked by ${next[0].keeper}`
    if (ctx.json) ctx.stdout(`${JSON.stringify({ moved, kept, held, keeper: next[0]?.keeper ?? 'files' })}\n`)
    else ctx.stdout(`${moved} keys are ${how} now${kept === 0 ? '' : `, ${kept} were already`}${held === 0 ? '' : `; ${held} never leave their service`}\n`)
    if (next[0] === undefined) ctx.stderr('the old files may still be read from the disk by whoever has it: rotate what must not be known\n')
    return 0
  } finally {
    for (const services of opened) for (const kms of services) await kms.close()
    await free()
  }
}

function endsOf(ctx: Context, what: Moving, config: Config): { readonly from: KeysConfig; readonly to: KeysConfig | null } {
  const own = placeOfKeys(config)
  switch (what) {
    case 'lock':
    case 'unlock':
      if (own.keeping.type !== 'files' || !hasPassphrase(own, ctx))
        throw new SealtrailError('USAGE', `key ${what} needs the passphrase: keys.passphrase in the configuration (--config), or SEALTRAIL_KEYS_PASSPHRASE`)
      return { from: own, to: what === 'lock' ? own : null }
    case 'passphrase': {
      const given = ctx.text('new')
      if (given === undefined || !/^(?:env|file):./.test(given)) throw new SealtrailError('USAGE', 'key passphrase needs --new env:NAME or --new file:PATH')
      const passphrase = given.startsWith('file:') ? `file:${resolve(ctx.cwd, given.slice(5))}` : given
      return { from: own, to: { ...own, keeping: { type: 'files', passphrase } } }
    }
    case 'move': {
      const file = ctx.text('to')
      if (file === undefined)
        throw new SealtrailError('USAGE', 'key move needs --to FILE, the configuration whose keys are to keep the ring (--config says who keeps it now)')
      const { config: next } = loadConfig(file, { cwd: ctx.cwd, env: ctx.env })
      return { from: own, to: next.keys }
    }
  }
}

function hasPassphrase({ keeping }: KeysConfig, ctx: Context): boolean {
  return keeping.type === 'files' && (keeping.passphrase !== null || (ctx.env['SEALTRAIL_KEYS_PASSPHRASE'] ?? '') !== '')
}

/** Keeps servers out while the ring is changed. @throws SealtrailError DATA_IN_USE */
async function alone({ data }: Config): Promise<() => Promise<void>> {
  if (!existsSync(join(data, 'ledger'))) return async () => {}
  const { ledger } = await openLedger(join(data, 'ledger'))
  return () => ledger.close()
}
