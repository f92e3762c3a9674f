import { hash } from 'node:crypto'

/** The ledger's key of a subject within its log: 16 bytes of SHA-256, latin1. */
export function subjectToken(log: string, subject: string): string {
  return hash('sha256', log + '\n' + subject, 'binary').slice(0, 16)
}

/** The 8 bytes by which a session is told apart within its subject, latin1. */
export function sessionToken(session: string): string {
  return hash('sha256', session, 'binary').slice(0, 8)
}
