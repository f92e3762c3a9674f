import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import type { Context } from 'hono'
import { SealtrailError } from '../errors.ts'
import type { ExportJob, Requester } from '../export/export.ts'
import { parseExport } from '../export/request.ts'
import { json, type AppDeps, type Env, type Handler } from './app-context.ts'
import { objectBody } from './body.ts'
import type { Viewer } from './ports.ts'
import { prefersAsync } from './prefer.ts'
import { digestField } from './signature.ts'

const LIMITS = { maxBytes: 64 * 1024, maxDepth: 8 }
const POLL_MS = 25

/** Routes of evidence bundles. The role of whoever ordered decides what is in one, so another's is not for everybody. */
export const exportRoutes: Record<'createExport' | 'listExports' | 'readExport' | 'readBundle', Handler> = {
  async createExport(c, app) {
    const asked = parseExport(await objectBody(c, LIMITS))
    const { name, role, purpose } = c.var.viewer
    if (asked.kind === 'subject-access') mayGiveAccess(c.var.viewer, app)
    let job = await app.exports.create(asked, { name, role: role as Requester['role'], purpose })
    const { detached, applied } = prefersAsync(c)
    const started = performance.now()
    while (!detached && isUnderWay(job) && performance.now() - started < app.config.limits.answerWithinMs) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      job = (await app.exports.get(job.id)) ?? job
    }
    // Small ones are there at once: an order that cannot be met is then answered as what it is.
    if (job.state === 'failed') throw failure(job)
    return json(job, job.state === 'ready' ? 201 : 202, { location: `/api/v1/exports/${job.id}`, ...applied })
  },

  async listExports(c, app) {
    return json({ exports: (await app.exports.list()).filter((job) => mayFetch(job, c.var.viewer)) })
  },

  async readExport(c, app) {
    return json(await own(c, app))
  },

  async readBundle(c, app) {
    const job = await own(c, app)
    if (job.state === 'failed') throw failure(job)
    if (job.state !== 'ready') throw new SealtrailError('NOT_READY', 'the export is not made yet')
    app.reads.note({ viewer: c.var.viewer, operation: 'readBundle', parameters: [job.id], shown: [], atMs: app.now() })
    const headers = {
      'content-type': 'application/zip',
      'content-length': String(job.size),
      'content-digest': digestField(Buffer.from(job.sha256 ?? '', 'hex').toString('base64')),
      'content-disposition': `attachment; filename="sealtrail-${job.id}.zip"`,
      'cache-control': 'no-store',
    }
    return new Response(Readable.toWeb(createReadStream(app.exports.file(job.id))) as ReadableStream, { headers })
  },
}

/** What is held on a person is handed to that person by those who answer for it. */
function mayGiveAccess({ role, purpose }: Viewer, { config }: AppDeps): void {
  if (role !== 'officer' && role !== 'admin') throw new SealtrailError('FORBIDDEN', 'a subject access needs one of the roles officer, admin')
  if (config.auth.purposeRequired && purpose === null)
    throw new SealtrailError('BAD_REQUEST', 'a subject access holds personal values, and auth.purposeRequired asks for a purpose: X-Audit-Purpose, --purpose')
}

/** The export named in the path, if the viewer may have it; else nobody learns that there is one. */
async function own(c: Context<Env>, app: AppDeps): Promise<ExportJob> {
  const id = c.req.param('id') ?? ''
  const job = /^[0-9a-f]{32}$/.test(id) ? await app.exports.get(id) : null
  if (job === null || !mayFetch(job, c.var.viewer)) throw new SealtrailError('NOT_FOUND')
  return job
}

/** An auditor's bundle holds less than an officer's: auditors fetch their own, officers and admins any. */
function mayFetch({ requester }: ExportJob, { name, role }: Viewer): boolean {
  return role === 'officer' || role === 'admin' || (requester.name === name && requester.role === role)
}

function isUnderWay({ state }: ExportJob): boolean {
  return state === 'queued' || state === 'running'
}

function failure({ error }: ExportJob): SealtrailError {
  return error === undefined ? new SealtrailError('INTERNAL') : new SealtrailError(error.code, error.message)
}
