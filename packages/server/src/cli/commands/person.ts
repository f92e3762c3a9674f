import { some } from '@sealtrail/evidence'
import { SealtrailError } from '../../errors.ts'
import type { JsonObject } from '../../event/json.ts'
import type { PersonView } from '../../privacy/person.ts'
import { askJson, CLIENT_OPTIONS } from '../client.ts'
import type { Command, Context } from '../command.ts'
import { namesFrom } from '../names.ts'
import { count } from '../output.ts'
import { withClient } from '../with-client.ts'

const PEOPLE = '/api/v1/people'

export const person: Command = {
  name: 'person',
  summary: 'people known by several names: whom names lead to, made one, taken apart',
  usage: [
    'show ALIAS… [--data DIR | --url URL]',
    'merge ALIAS ALIAS… --reason TEXT [--data DIR | --url URL]     a name of each who are to be one',
    'split ALIAS --reason TEXT [--data DIR | --url URL]     the name is somebody else’s from here on',
  ],
  options: {
    ...CLIENT_OPTIONS,
    reason: {
      type: 'string',
      value: 'TEXT',
      what: 'how it is known; sealed in clear, so no person’s name. ALIAS is KIND:VALUE, such as phone:+12025550123; - reads names from stdin',
    },
  },
  async run(ctx) {
    const [what, ...given] = ctx.words
    if ((what !== 'show' && what !== 'merge' && what !== 'split') || given.length === 0)
      throw new SealtrailError('USAGE', 'person: show ALIAS…, merge ALIAS ALIAS… or split ALIAS')
    const names = await namesFrom(ctx, given)
    if (what === 'split' && names.length > 1) throw new SealtrailError('USAGE', 'person split takes one name')
    const body = { person: what === 'split' ? (names[0] as string) : names, ...(what === 'show' ? {} : { reason: reasonOf(ctx, what) }) }
    return withClient(ctx, async (client) => {
      const path = what === 'show' ? PEOPLE : `${PEOPLE}/${what}`
      const view = (await askJson(client, 'POST', path, { body: JSON.stringify(body satisfies JsonObject), type: 'application/json' })) as unknown as PersonView
      ctx.stdout(ctx.json ? `${JSON.stringify(view)}\n` : told(view))
      return 0
    })
  },
}

function reasonOf(ctx: Context, what: string): string {
  const reason = ctx.text('reason')
  if (reason === undefined) throw new SealtrailError('USAGE', `person ${what} needs --reason`)
  return reason
}

function told({ people, keys, aliases, records, together, interactions, seenWith, others }: PersonView): string {
  const lines = [
    people === 1 ? 'one person' : `${count(people)} people; in ${count(together)} events together`,
    `${some(keys, 'key')}, ${some(aliases, 'alias', 'aliases')}, ${some(records, 'event')} with values of theirs, ${some(interactions, 'call or message', 'calls and messages')}`,
    others === 0
      ? 'seen with nobody else'
      : `seen with ${some(others, 'other')}, in ${seenWith.map((each) => count(each.records)).join(', ')}${others > seenWith.length ? ' …' : ''} events each`,
  ]
  return lines.map((line) => `${line}\n`).join('')
}
