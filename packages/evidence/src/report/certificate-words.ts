import type { CertificateBody } from '../certificate.ts'

/** What could not be reached, as people call it. */
export const CERTIFICATE_WORDS: { readonly [what in CertificateBody['notReached'][number]['what']]: string } = {
  export: 'Export handed out before',
  backup: 'Back-up',
  forwarder: 'Copy sent to another system',
  quarantine: 'Input kept in quarantine',
  memory: 'Memory of the running server',
  media: 'Storage medium',
  file: 'File',
}

/** What the method is and what it is not, in the same words on the page and in the report. */
export function methodSays({ searched }: Pick<CertificateBody, 'searched'>): string[] {
  return [
    'Cryptographic erase, as NIST SP 800-88 Rev. 2 describes it for media: the values were encrypted before they were written, each under a key of the person or of the call; these keys were destroyed, and then the encrypted values themselves. Copies of the encrypted values that were made before can no longer be read without those keys.',
    'It is not the destruction of a medium, and it does not reach anything that somebody read, exported or copied in clear before, nor a copy of the keys made before. NIST SP 800-88 says how data is sanitised; it is no statement of law.',
    'What is left of each value is a digest made with 128 random bits that were destroyed along with it: it can no longer be tried out.',
    searched.found.length === 0
      ? 'Afterwards every file of the server’s data directory was searched for what was destroyed, and nothing was found. That is the word of the server.'
      : 'Afterwards every file of the server’s data directory was searched for what was destroyed, and some of it was still found: see below.',
  ]
}
