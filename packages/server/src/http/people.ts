import type { Context } from 'hono'
import { parseMerge, parseShow, parseSplit } from '../privacy/person-request.ts'
import { json, type AppDeps, type Env, type Handler } from './app-context.ts'
import { objectBody } from './body.ts'
import type { Operation } from './operation.ts'

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 4 }

/** Routes of people. Each use is noted in `system`, without a name of the person. */
export const personRoutes: Record<'showPerson' | 'mergePeople' | 'splitAlias', Handler> = {
  async showPerson(c, app) {
    const person = parseShow(await objectBody(c, LIMITS))
    note(c, app, 'showPerson')
    return json(await app.people.show(person))
  },

  async mergePeople(c, app) {
    const order = parseMerge(await objectBody(c, LIMITS))
    note(c, app, 'mergePeople')
    return json(await app.people.merge(order, { name: c.var.viewer.name }))
  },

  async splitAlias(c, app) {
    const order = parseSplit(await objectBody(c, LIMITS))
    note(c, app, 'splitAlias')
    return json(await app.people.split(order, { name: c.var.viewer.name }))
  },
}

function note(c: Context<Env>, app: AppDeps, operation: Operation): void {
  app.reads.note({ viewer: c.var.viewer, operation, parameters: [], shown: [], atMs: app.now() })
}
