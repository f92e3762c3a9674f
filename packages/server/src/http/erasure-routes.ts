import { READERS } from './ports.ts'
import type { Role } from './ports.ts'
import type { Route } from './routes.ts'

const OFFICERS: readonly Role[] = ['officer', 'admin']

/** Routes of the erasure of people's values. Who is meant stands in bodies only: addresses end in the logs of every proxy. */
export const ERASURE_ROUTES: readonly Route[] = [
  {
    operation: 'planErasure',
    method: 'POST',
    path: '/api/v1/erasures/plan',
    signed: true,
    roles: OFFICERS,
    summary: 'What an erasure would do, what blocks it, what stays: `{person: "KIND:VALUE" | [...]}`; nothing is changed',
    takes: ['application/json'],
    answers: { 200: { about: 'The plan', schema: 'ErasurePlan' }, 404: { about: 'Nobody is known by this name', schema: 'Problem' } },
  },
  {
    operation: 'requestErasure',
    method: 'POST',
    path: '/api/v1/erasures',
    signed: true,
    roles: OFFICERS,
    summary: 'Ask for the erasure of a person’s values: `{person, ground, reference?}`',
    takes: ['application/json'],
    answers: {
      200: { about: 'Completed: everything is destroyed, and it is sealed', schema: 'Erasure' },
      202: { about: 'Waits for a second person, is blocked (`blocks` says why), or runs; `Location` reports it', schema: 'Erasure' },
      404: { about: 'Nobody is known by this name', schema: 'Problem' },
      409: { about: 'An erasure of this person waits or runs already', schema: 'Problem' },
    },
  },
  {
    operation: 'listErasures',
    method: 'GET',
    path: '/api/v1/erasures',
    signed: true,
    roles: READERS,
    summary: 'Erasures, newest first',
    answers: { 200: { about: 'Erasures', schema: 'Erasures' } },
  },
  {
    operation: 'readErasure',
    method: 'GET',
    path: '/api/v1/erasures/{id}',
    signed: true,
    roles: READERS,
    summary: 'How far an erasure is',
    answers: { 200: { about: 'The erasure', schema: 'Erasure' } },
  },
  {
    operation: 'approveErasure',
    method: 'POST',
    path: '/api/v1/erasures/{id}/approve',
    signed: true,
    roles: OFFICERS,
    summary: 'Approve an erasure that waits for a second person (`auth.dualControl`)',
    answers: {
      200: { about: 'Completed', schema: 'Erasure' },
      202: { about: 'Approved, and blocked or under way', schema: 'Erasure' },
      403: { about: 'Who asked cannot approve', schema: 'Problem' },
    },
  },
  {
    operation: 'withdrawErasure',
    method: 'POST',
    path: '/api/v1/erasures/{id}/withdraw',
    signed: true,
    roles: OFFICERS,
    summary: 'Withdraw an erasure that has not begun: `{reason}`',
    takes: ['application/json'],
    answers: { 200: { about: 'Withdrawn', schema: 'Erasure' }, 409: { about: 'It has begun, and will be completed', schema: 'Problem' } },
  },
]
