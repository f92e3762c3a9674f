import { READERS } from './ports.ts'
import type { Route } from './routes.ts'

/** Routes of evidence bundles. */
export const EXPORT_ROUTES: readonly Route[] = [
  {
    operation: 'createExport',
    method: 'POST',
    path: '/api/v1/exports',
    signed: true,
    roles: READERS,
    summary: 'Ask for an evidence bundle: one of `{subject}`, `{person}`, `{range: "LOG:A..B"}`, `{query: {log?, subject?, type?, …}}`',
    takes: ['application/json'],
    answers: {
      201: { about: 'Made; `Location` reports it', schema: 'Export' },
      202: { about: 'Under way; `Location` reports it', schema: 'Export' },
    },
  },
  {
    operation: 'listExports',
    method: 'GET',
    path: '/api/v1/exports',
    signed: true,
    roles: READERS,
    summary: 'Exports, newest first; an auditor sees those of its own token',
    answers: { 200: { about: 'Exports', schema: 'Exports' } },
  },
  {
    operation: 'readExport',
    method: 'GET',
    path: '/api/v1/exports/{id}',
    signed: true,
    roles: READERS,
    summary: 'How far an export is',
    answers: { 200: { about: 'The export', schema: 'Export' } },
  },
  {
    operation: 'readBundle',
    method: 'GET',
    path: '/api/v1/exports/{id}/bundle',
    signed: true,
    roles: READERS,
    summary: 'The evidence bundle of an export, a zip',
    answers: {
      200: { about: 'The bundle, with `Content-Digest`', type: 'application/zip' },
      503: { about: 'Not made yet: ask again after `Retry-After`', schema: 'Problem' },
    },
  },
]
