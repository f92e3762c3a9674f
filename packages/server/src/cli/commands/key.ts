import { TYPE_ED25519, formatVkey } from '@sealtrail/tlog'
import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import { askJson, askText, CLIENT_OPTIONS } from '../client.ts'
import type { Client } from '../client.ts'
import type { Command } from '../command.ts'
import { MOVING, moveRing } from '../key-moving.ts'
import { keyTable } from '../key-table.ts'
import { withClient } from '../with-client.ts'

export const key: Command = {
  name: 'key',
  summary: 'list, rotate and lock keys, show the verification key of each log',
  usage: [
    'list [--uses]',
    'rotate wrapping|segment|answers|token|log [--rewrap]',
    'destroy ID',
    'retire ID',
    'show [LOG]',
    '(each with --data DIR or --url URL)',
    'lock|unlock --data DIR [--config FILE]',
    'passphrase --new env:NAME|file:PATH --data DIR [--config FILE]',
    'move --to FILE --data DIR [--config FILE]',
  ],
  options: {
    ...CLIENT_OPTIONS,
    uses: { type: 'boolean', what: 'of list: count how many keys of people are wrapped under each wrapping key' },
    rewrap: { type: 'boolean', what: 'of rotate wrapping: have all keys of people wrapped under the new one, so that the old one can be destroyed' },
    new: { type: 'string', value: 'REF', what: 'of passphrase: where the new one is, env:NAME or file:PATH' },
    to: { type: 'string', value: 'FILE', what: 'of move: the configuration whose keys are to keep the ring' },
  },
  async run(ctx) {
    const [what, name, ...rest] = ctx.words
    if (rest.length > 0) throw new SealtrailError('USAGE', 'key: too many words')
    const moving = MOVING.find((each) => each === what)
    if (moving !== undefined && name === undefined) return moveRing(ctx, moving)
    switch (what) {
      case 'list':
        return withClient(ctx, async (client) => {
          const items = await keysOf(client, ctx.flag('uses'))
          ctx.stdout(ctx.json ? `${JSON.stringify({ items })}\n` : keyTable(items, ctx.now()))
          return 0
        })
      case 'rotate':
        if (name === undefined) throw new SealtrailError('USAGE', 'key rotate needs the purpose: wrapping, segment, answers, token or log')
        if (ctx.flag('rewrap') && name !== 'wrapping') throw new SealtrailError('USAGE', '--rewrap goes with key rotate wrapping')
        return withClient(ctx, async (client) => {
          const made = await askJson(client, 'POST', `/api/v1/keys/${encodeURIComponent(name)}/rotate`)
          const rewrapped = ctx.flag('rewrap') ? await askJson(client, 'POST', '/api/v1/keys/wrapping/rewrap') : null
          if (ctx.json) ctx.stdout(`${JSON.stringify(rewrapped === null ? made : { ...made, rewrapped })}\n`)
          else {
            ctx.stdout(`new ${String(made['purpose'])} key ${String(made['id'])}; the older ones stay readable\n`)
            if (rewrapped !== null)
              ctx.stdout(`${String(rewrapped['rewrapped'])} keys of people and interactions are wrapped under it, ${String(rewrapped['left'])} are not\n`)
          }
          return 0
        })
      case 'destroy':
      case 'retire':
        if (name === undefined) throw new SealtrailError('USAGE', `key ${what} needs the id of the key, as key list shows it`)
        return withClient(ctx, async (client) => {
          const purpose = what === 'retire' ? 'log' : 'wrapping'
          const key = (await keysOf(client, false)).find((each) => each['id'] === name)
          if (key !== undefined && key['purpose'] !== purpose)
            throw new SealtrailError('USAGE', `key ${what} is for ${purpose} keys; this is a ${String(key['purpose'])} key`)
          const ended = await askJson(client, 'POST', `/api/v1/keys/${encodeURIComponent(name)}/end`)
          ctx.stdout(ctx.json ? `${JSON.stringify(ended)}\n` : `the ${purpose} key ${name} is ${String(ended['state'])}\n`)
          return 0
        })
      case 'show':
        return withClient(ctx, async (client) => {
          const vkeys = await vkeysOf(client, name)
          if (ctx.json) ctx.stdout(`${JSON.stringify(vkeys)}\n`)
          else for (const vkey of Object.values(vkeys)) ctx.stdout(`${vkey}\n`)
          return 0
        })
      default:
        throw new SealtrailError('USAGE', 'key: one of list, rotate, destroy, retire, show, lock, unlock, passphrase, move')
    }
  },
}

async function keysOf(client: Client, uses: boolean): Promise<JsonObject[]> {
  return (await askJson(client, 'GET', '/api/v1/keys', uses ? { query: { uses: 'true' } } : {}))['items'] as JsonObject[]
}

function pick(vkeys: Record<string, string>, log: string): Record<string, string> {
  const vkey = vkeys[log]
  if (vkey === undefined) throw new SealtrailError('NOT_FOUND', 'there is no log of this name')
  return { [log]: vkey }
}

/** Log to verification key, from the server; of an older one from the log's origin, from its checkpoint, and the public half of the log key. */
async function vkeysOf(client: Client, only: string | undefined): Promise<Record<string, string>> {
  const current = (await keysOf(client, false)).find((each) => each['purpose'] === 'log' && each['state'] === 'current')
  if (current?.['vkeys'] !== undefined)
    return only === undefined ? (current['vkeys'] as Record<string, string>) : pick(current['vkeys'] as Record<string, string>, only)
  const publicKey = current?.['publicKey']
  if (typeof publicKey !== 'string') throw new SealtrailError('KEY_UNKNOWN', 'the server names no log key')
  const packs = (await askJson(client, 'GET', '/api/v1/packs'))['items'] as JsonObject[]
  const logs = only === undefined ? [...new Set(packs.map((pack) => String(pack['trail']))), 'system'] : [only]
  const vkeys: Record<string, string> = {}
  for (const log of logs) {
    const note = await askText(client, `/log/${encodeURIComponent(log)}/checkpoint`)
    vkeys[log] = formatVkey(note.slice(0, note.indexOf('\n')), TYPE_ED25519, Buffer.from(publicKey, 'base64'))
  }
  return vkeys
}
