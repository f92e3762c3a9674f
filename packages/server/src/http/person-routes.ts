import type { Role } from './ports.ts'
import type { Route } from './routes.ts'

const OFFICERS: readonly Role[] = ['officer', 'admin']

/** Routes of people known by several names. Names stand in bodies only. */
export const PERSON_ROUTES: readonly Route[] = [
  {
    operation: 'showPerson',
    method: 'POST',
    path: '/api/v1/people',
    signed: true,
    roles: OFFICERS,
    summary: 'What is known of whom these names lead to, in counts: `{person: "KIND:VALUE" | [...]}`; nothing is changed',
    takes: ['application/json'],
    answers: { 200: { about: 'Counts', schema: 'Person' }, 404: { about: 'Nobody is known by one of the names', schema: 'Problem' } },
  },
  {
    operation: 'mergePeople',
    method: 'POST',
    path: '/api/v1/people/merge',
    signed: true,
    roles: OFFICERS,
    summary: 'Several people are one from here on: `{person: [a name of each], reason}`',
    takes: ['application/json'],
    answers: { 200: { about: 'They are: it is sealed', schema: 'Person' }, 404: { about: 'Nobody is known by one of the names', schema: 'Problem' } },
  },
  {
    operation: 'splitAlias',
    method: 'POST',
    path: '/api/v1/people/split',
    signed: true,
    roles: OFFICERS,
    summary: 'A name is somebody else’s from here on; what was written stays where it is: `{person: name, reason}`',
    takes: ['application/json'],
    answers: { 200: { about: 'It is: it is sealed', schema: 'Person' }, 404: { about: 'Nobody is known by this name', schema: 'Problem' } },
  },
]
