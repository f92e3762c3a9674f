import { READERS } from './ports.ts'
import type { Route } from './routes.ts'

/** Routes of the retention duty. */
export const RETENTION_ROUTES: readonly Route[] = [
  {
    operation: 'readRetention',
    method: 'GET',
    path: '/api/v1/retention',
    roles: READERS,
    summary: 'How far each log is summed up and has expired, and why nothing expires if nothing does',
    answers: { 200: { about: 'The state', schema: 'Item' } },
  },
  {
    operation: 'runRetention',
    method: 'POST',
    path: '/api/v1/retention/run',
    roles: ['officer', 'admin'],
    summary: 'Sum up and let expire now what is due: `{clock_is_right?}`',
    takes: ['application/json'],
    answers: { 200: { about: 'What was done of each log', schema: 'Items' }, 503: { about: 'Nothing was removed; `code` says why', schema: 'Problem' } },
  },
  {
    operation: 'listFlags',
    method: 'GET',
    path: '/api/v1/retention/flags',
    roles: READERS,
    summary: 'Subjects that are kept in full',
    answers: { 200: { about: 'Flags that stand', schema: 'Items' } },
  },
  {
    operation: 'createFlag',
    method: 'POST',
    path: '/api/v1/retention/flags',
    roles: ['officer', 'admin'],
    summary: 'Keep a subject in full for the long period: `{subject, reason, trail?}`',
    takes: ['application/json'],
    answers: { 201: { about: 'Sealed: it holds from now on', schema: 'Item' } },
  },
]
