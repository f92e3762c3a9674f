import type { CertificateFile } from '@sealtrail/evidence'
import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import { json, type Env, type Handler } from './app-context.ts'
import { query } from './query.ts'

/** Certificates of erasures. */
export interface CertificateDesk {
  /** Null: no completed erasure has this id. @throws SealtrailError DATA_CORRUPT when it is missing or does not fit what was sealed */
  file(id: string): Promise<CertificateFile | null>
  /** The page, a PDF. */
  page(file: CertificateFile): Promise<Uint8Array<ArrayBuffer>>
}

/** The route of erasure certificates. Each one handed out is noted, as an export is. */
export const certificateRoutes: Record<'readCertificate', Handler> = {
  async readCertificate(c, app) {
    const id = c.req.param('id') ?? ''
    const asPage = wantsPage(c)
    // attacker: any path.
    const file = /^[0-9a-f]{32}$/.test(id) ? await app.certificates.file(id) : null
    if (file === null) throw new SealtrailError('NOT_FOUND', 'no erasure of this id was completed')
    app.reads.note({ viewer: c.var.viewer, operation: 'readCertificate', parameters: [id], shown: [], atMs: app.now() })
    const disposition = (kind: string): Record<string, string> => ({ 'content-disposition': `attachment; filename="certificate-${id}.${kind}"` })
    if (!asPage) return json(file, 200, disposition('json'))
    return new Response(await app.certificates.page(file), {
      headers: { 'content-type': 'application/pdf', 'cache-control': 'no-store', ...disposition('pdf') },
    })
  },
}

/** @throws SealtrailError BAD_REQUEST */
function wantsPage(c: Context<Env>): boolean {
  const { format } = query(c, ['format'])
  if (format === undefined) return /(?:^|[,\s])application\/pdf(?:$|[;,\s])/i.test(c.req.header('accept') ?? '')
  if (format !== 'json' && format !== 'pdf') throw new SealtrailError('BAD_REQUEST', 'format is json or pdf')
  return format === 'pdf'
}
