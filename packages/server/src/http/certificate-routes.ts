import { READERS } from './ports.ts'
import type { Route } from './routes.ts'

/** The route of erasure certificates. */
export const CERTIFICATE_ROUTES: readonly Route[] = [
  {
    operation: 'readCertificate',
    method: 'GET',
    path: '/api/v1/certificates/{id}',
    signed: true,
    roles: READERS,
    summary: 'The certificate of a completed erasure: JSON that is checked offline, or the page that says the same, a PDF',
    query: [{ name: 'format', about: '`json` or `pdf`; without it `Accept` decides, JSON unless it asks for `application/pdf`' }],
    answers: {
      200: { about: 'The certificate, with fresh proofs of what was sealed', schema: 'Certificate' },
      404: { about: 'No erasure of this id was completed', schema: 'Problem' },
    },
  },
]
