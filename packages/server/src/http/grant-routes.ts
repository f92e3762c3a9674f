import { READERS } from './ports.ts'
import type { Role } from './ports.ts'
import type { Route } from './routes.ts'

const OFFICERS: readonly Role[] = ['officer', 'admin']

/** Routes by which values are opened to a reader, and by which one value is asked for. */
export const GRANT_ROUTES: readonly Route[] = [
  {
    operation: 'checkValue',
    method: 'POST',
    path: '/api/v1/records/{auditid}/check',
    signed: true,
    roles: READERS,
    summary: 'Is it this one? `{path, value}`: whether the value is the one the record commits to at the path; counted and sealed',
    takes: ['application/json'],
    answers: {
      200: { about: '`matches` true or false; null when the value is erased or missing, which `state` says', schema: 'Check' },
      429: { about: 'More than `limits.checksPerHour` of this token', schema: 'Problem' },
    },
  },
  {
    operation: 'giveGrant',
    method: 'POST',
    path: '/api/v1/grants',
    signed: true,
    roles: OFFICERS,
    summary: 'Open values to a token for a purpose: `to`, `purpose`, `fields`, `until`, and one of `subject`, `range: "LOG:A..B"`, `trail`',
    takes: ['application/json'],
    answers: {
      201: { about: 'Given: it is sealed, and counts', schema: 'Grant' },
      202: { about: 'Waits for a second person (`auth.dualControl`)', schema: 'Grant' },
    },
  },
  {
    operation: 'listGrants',
    method: 'GET',
    path: '/api/v1/grants',
    signed: true,
    roles: READERS,
    summary: 'Grants, newest first: those that count, those that are over or revoked, and what waits for a second person',
    answers: { 200: { about: 'Grants', schema: 'Grants' } },
  },
  {
    operation: 'revokeGrant',
    method: 'DELETE',
    path: '/api/v1/grants/{id}',
    signed: true,
    roles: OFFICERS,
    summary: 'Revoke a grant, or take back what waits: at once, by one person',
    answers: { 200: { about: 'Revoked: it is sealed', schema: 'Grant' } },
  },
  {
    operation: 'approveGrant',
    method: 'POST',
    path: '/api/v1/grants/{id}/approve',
    signed: true,
    roles: OFFICERS,
    summary: 'Approve a grant that waits for a second person',
    answers: {
      200: { about: 'Given', schema: 'Grant' },
      403: { about: 'Neither who asked nor whom it is for can approve', schema: 'Problem' },
    },
  },
]
