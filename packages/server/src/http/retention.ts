import { SealtrailError } from '../errors.ts'
import type { JsonObject } from '../event/json.ts'
import { json, type Handler } from './app-context.ts'
import { objectBody } from './body.ts'

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 4 }

/** What serving threads ask of the retention duty. */
export interface RetentionDesk {
  status(): Promise<JsonObject>
  /** @throws SealtrailError CLOCK_LEAPT, NOT_DURABLE, DATA_CORRUPT */
  run(order: { readonly clockIsRight: boolean; readonly by: string }): Promise<JsonObject[]>
  flags(): Promise<JsonObject[]>
  /** @throws SealtrailError NOT_FOUND when no record of the subject stands, UNKNOWN_TRAIL, BAD_REQUEST */
  flag(flag: { readonly subject: string; readonly reason: string; readonly trail: string | null; readonly by: string }): Promise<JsonObject>
}

/** Routes by which people see and steer what expires. */
export const retentionRoutes: Record<'readRetention' | 'runRetention' | 'listFlags' | 'createFlag', Handler> = {
  async readRetention(_, app) {
    return json(await app.retention.status())
  },

  async runRetention(c, app) {
    const body = await objectBody(c, { ...LIMITS, mayBeEmpty: true })
    const clockIsRight = body['clock_is_right'] ?? false
    if (typeof clockIsRight !== 'boolean') throw new SealtrailError('BAD_REQUEST', 'clock_is_right is true or false')
    return json({ items: await app.retention.run({ clockIsRight, by: c.var.viewer.name }) })
  },

  async listFlags(_, app) {
    return json({ items: await app.retention.flags() })
  },

  async createFlag(c, app) {
    const body = await objectBody(c, LIMITS)
    const { subject, reason, trail } = body
    if (typeof subject !== 'string' || subject === '' || subject.length > 1024)
      throw new SealtrailError('BAD_REQUEST', 'subject is a conversation or message id')
    if (typeof reason !== 'string' || reason.trim() === '' || reason.length > 1024)
      throw new SealtrailError('BAD_REQUEST', 'reason says why, in at most 1,024 characters')
    if (trail !== undefined && typeof trail !== 'string') throw new SealtrailError('BAD_REQUEST', 'trail is the name of a trail')
    return json(await app.retention.flag({ subject, reason, trail: trail ?? null, by: c.var.viewer.name }), 201)
  },
}
