import { READERS } from './ports.ts'
import type { Role } from './ports.ts'
import type { Route } from './routes.ts'

const OFFICERS: readonly Role[] = ['officer', 'admin']

/** Routes of legal holds. */
export const HOLD_ROUTES: readonly Route[] = [
  {
    operation: 'placeHold',
    method: 'POST',
    path: '/api/v1/holds',
    signed: true,
    roles: OFFICERS,
    summary: 'Place a legal hold: one of `{subject}`, `{range: "LOG:A..B"}`, with `reason` and perhaps `scope` (`record`, `content`)',
    takes: ['application/json'],
    answers: {
      201: { about: 'Placed: it is sealed; `objects` says on how many objects of the store it is, null while that is under way', schema: 'Hold' },
      202: { about: 'Waits for a second person (`auth.dualControl`)', schema: 'Hold' },
      409: { about: 'The same hold stands, or waits', schema: 'Problem' },
    },
  },
  {
    operation: 'listHolds',
    method: 'GET',
    path: '/api/v1/holds',
    signed: true,
    roles: READERS,
    summary: 'Legal holds, newest first: those that stand, those released, and what waits for a second person',
    answers: { 200: { about: 'Holds', schema: 'Holds' } },
  },
  {
    operation: 'releaseHold',
    method: 'POST',
    path: '/api/v1/holds/{id}/release',
    signed: true,
    roles: OFFICERS,
    summary: 'Release a legal hold: `{reason}`',
    takes: ['application/json'],
    answers: {
      200: { about: 'Released: it is sealed', schema: 'Hold' },
      202: { about: 'Waits for a second person (`auth.dualControl`)', schema: 'Hold' },
    },
  },
  {
    operation: 'approveHold',
    method: 'POST',
    path: '/api/v1/holds/{id}/approve',
    signed: true,
    roles: OFFICERS,
    summary: 'Approve what waits for a second person: the placing or the release of this hold',
    answers: {
      200: { about: 'Done', schema: 'Hold' },
      403: { about: 'Who asked cannot approve', schema: 'Problem' },
    },
  },
]
