import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { listing } from './listing.ts'
import { Blobs, type BlobVersion, Refusal, type Rules } from './rules.ts'
import { isSigned } from './shared-key.ts'

export const ACCOUNT = 'evidence'
export const CONTAINER = 'sealed'
export const KEY = Buffer.from('the key of an account that is nobody’s').toString('base64')

/** The service's operations, with the data action of a role that each needs (the pages "Authorize with Microsoft Entra ID" and "Blob versioning"). */
export const ACTION: Readonly<Record<string, string>> = {
  PutBlob: 'blobs/write',
  GetBlob: 'blobs/read',
  GetBlobProperties: 'blobs/read',
  ListBlobs: 'blobs/read',
  SetBlobMetadata: 'blobs/write',
  SetBlobImmutabilityPolicy: 'blobs/immutableStorage/runAsSuperUser/action',
  DeleteBlobImmutabilityPolicy: 'blobs/immutableStorage/runAsSuperUser/action',
  SetBlobLegalHold: 'blobs/immutableStorage/runAsSuperUser/action',
  DeleteBlob: 'blobs/delete',
  DeleteBlobVersion: 'blobs/deleteBlobVersion/action',
}
export const ACTION_PREFIX = 'Microsoft.Storage/storageAccounts/blobServices/containers/'

/**
 * `hang`: no answer. `drop`: not done, connection gone. `lose`: done, connection gone. `cut`: half the body, connection gone.
 * `stall`: half the body, and no more. Otherwise: not done, and this answer.
 */
export type Fault = 'hang' | 'drop' | 'lose' | 'cut' | 'stall' | { readonly status: number; readonly code: string }

export interface ServerOptions extends Partial<Rules> {
  /** Data actions of the role, without `Microsoft.Storage/…/containers/`; all unless given. */
  readonly rights?: ReadonlySet<string>
  /** Takes `Authorization: Bearer …` of this token too. */
  readonly token?: string
  readonly tls?: { readonly key: Buffer; readonly cert: Buffer }
  readonly pageSize?: number
  /** Whether List Blobs knows `startFrom`. */
  readonly startFrom?: boolean
}

/** Azure Blob Storage with one container, as Microsoft documents it, on a port of this machine. */
export class AzureServer {
  readonly blobs: Blobs
  /** Operations seen, in order. */
  readonly seen: { readonly operation: string; readonly name: string; readonly headers: IncomingMessage['headers'] }[] = []
  /** What goes wrong next; asked for each request. */
  fault: (operation: string, name: string) => Fault | null = () => null
  /** Called when an answer will not come, or not to its end. */
  hung: () => void = () => {}
  #server: Server
  readonly #options: ServerOptions

  private constructor(options: ServerOptions) {
    this.#options = options
    this.blobs = new Blobs({
      now: options.now ?? Date.now,
      versions: options.versions ?? true,
      immutability: options.immutability ?? true,
      minimumMs: options.minimumMs ?? 0,
      currentById: options.currentById ?? true,
      deletesLockedRoot: options.deletesLockedRoot ?? true,
      lies: options.lies ?? new Set(),
    })
    const take = (request: IncomingMessage, response: ServerResponse): void => void this.#take(request, response)
    this.#server = options.tls === undefined ? createServer(take) : (createTlsServer(options.tls, take) as unknown as Server)
  }

  static async start(options: ServerOptions = {}): Promise<AzureServer> {
    const server = new AzureServer(options)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  /** Account in the path, as emulators have it. */
  get endpoint(): string {
    return `${this.#options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(this.#server.address() as AddressInfo).port}/${ACCOUNT}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      this.#answer(request, response, Buffer.concat(chunks))
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${error.code}</Code><Message>As documented.</Message></Error>`
      response.writeHead(error.status, { 'x-ms-error-code': error.code, 'x-ms-version': '2024-11-04', 'content-type': 'application/xml' })
      response.end(request.method === 'HEAD' ? undefined : body)
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const url = new URL(request.url!, 'http://x')
    const [, account, container, ...rest] = url.pathname.split('/').map(decodeURIComponent)
    const name = rest.join('/')
    const operation = operationOf(request.method!, url.searchParams, name)
    this.seen.push({ operation, name, headers: request.headers })
    const fault = this.fault(operation, name)
    if (fault === 'hang') return this.hung()
    if (fault === 'drop') return void request.socket.destroy()
    if (typeof fault === 'object' && fault !== null) throw new Refusal(fault.status, fault.code)
    if (account !== ACCOUNT || container !== CONTAINER) throw new Refusal(404, 'ContainerNotFound')
    this.#authorize(request, operation)
    const answer = this.#do(operation, name, url.searchParams, request.headers, body)
    if (fault === 'lose') return void request.socket.destroy()
    const content = answer.body ?? Buffer.alloc(0)
    response.writeHead(answer.status, { 'x-ms-version': '2024-11-04', 'content-length': content.length, ...answer.headers })
    if (request.method === 'HEAD') return void response.end()
    if (fault !== 'cut' && fault !== 'stall') return void response.end(content)
    response.write(content.subarray(0, content.length >> 1), () => (fault === 'cut' ? request.socket.destroy() : this.hung()))
  }

  #authorize(request: IncomingMessage, operation: string): void {
    const bearer = this.#options.token !== undefined && request.headers.authorization === `Bearer ${this.#options.token}`
    if (!bearer && !isSigned(request, ACCOUNT, KEY)) throw new Refusal(403, 'AuthenticationFailed')
    const needs = [ACTION[operation]!]
    const holding = operation === 'PutBlob' && Object.keys(request.headers).some((header) => /^x-ms-(?:immutability|legal)/.test(header))
    if (holding) needs.push(ACTION['SetBlobImmutabilityPolicy']!)
    const { rights } = this.#options
    if (rights !== undefined && !needs.every((need) => rights.has(need))) throw new Refusal(403, 'AuthorizationPermissionMismatch')
  }

  #do(operation: string, name: string, query: URLSearchParams, headers: IncomingMessage['headers'], body: Buffer): Answer {
    const header = (key: string): string | undefined => headers[key] as string | undefined
    const id = query.get('versionid')
    switch (operation) {
      case 'PutBlob': {
        if (header('x-ms-blob-type') !== 'BlockBlob') throw new Refusal(400, 'InvalidHeaderValue')
        const until = header('x-ms-immutability-policy-until-date')
        const mode = header('x-ms-immutability-policy-mode')
        if (mode !== undefined && until === undefined) throw new Refusal(400, 'MissingRequiredHeader')
        const version = this.blobs.put(name, body, {
          md5: header('content-md5') ?? '',
          fresh: header('if-none-match') === '*',
          // The trap: without a mode a custom policy is unlocked.
          policy: until === undefined ? null : { locked: mode === 'Locked', untilMs: rfc1123(until) },
          hold: header('x-ms-legal-hold') === 'true',
          metadata: metadataOf(headers),
        })
        return { status: 201, headers: described(version) }
      }
      case 'GetBlob':
      case 'GetBlobProperties': {
        const version = this.blobs.find(name, id)
        return {
          status: 200,
          headers: { ...described(version), ...held(version), 'x-ms-blob-type': 'BlockBlob', 'content-type': 'application/octet-stream' },
          body: this.blobs.read(version),
        }
      }
      case 'ListBlobs': {
        const startFrom = query.get('startFrom') ?? ''
        if (startFrom !== '' && this.#options.startFrom === false) throw new Refusal(400, 'InvalidQueryParameterValue')
        const page = listing(this.blobs.blobs, {
          prefix: query.get('prefix') ?? '',
          marker: query.get('marker') ?? '',
          startFrom,
          include: new Set((query.get('include') ?? '').split(',')),
          pageSize: this.#options.pageSize ?? 5_000,
        })
        return { status: 200, headers: { 'content-type': 'application/xml' }, body: Buffer.from(page) }
      }
      case 'SetBlobImmutabilityPolicy': {
        const until = rfc1123(header('x-ms-immutability-policy-until-date') ?? '')
        return { status: 200, headers: held(this.blobs.setPolicy(name, id, { locked: header('x-ms-immutability-policy-mode') === 'Locked', untilMs: until })) }
      }
      case 'DeleteBlobImmutabilityPolicy':
        this.blobs.deletePolicy(name, id)
        return { status: 200, headers: {} }
      case 'SetBlobLegalHold':
        return { status: 200, headers: held(this.blobs.setHold(name, id, header('x-ms-legal-hold') === 'true')) }
      case 'SetBlobMetadata':
        this.blobs.setMetadata(name, metadataOf(headers))
        return { status: 200, headers: {} }
      case 'DeleteBlob':
      case 'DeleteBlobVersion':
        this.blobs.delete(name, id)
        return { status: 202, headers: {} }
      default:
        throw new Refusal(501, 'NotImplemented')
    }
  }
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body?: Buffer
}

function operationOf(method: string, query: URLSearchParams, name: string): string {
  const comp = query.get('comp') ?? ''
  const version = query.has('versionid') ? 'Version' : ''
  const named: Readonly<Record<string, string>> = {
    'PUT ': 'PutBlob',
    'GET ': 'GetBlob',
    'HEAD ': 'GetBlobProperties',
    'GET list': 'ListBlobs',
    'PUT immutabilityPolicies': 'SetBlobImmutabilityPolicy',
    'DELETE immutabilityPolicies': 'DeleteBlobImmutabilityPolicy',
    'PUT legalhold': 'SetBlobLegalHold',
    'PUT metadata': 'SetBlobMetadata',
    'DELETE ': `DeleteBlob${version}`,
  }
  const operation = named[`${method} ${comp}`]
  if (operation === undefined || (name === '') !== (operation === 'ListBlobs')) return `${method} ${comp}`
  return operation
}

/** The one form that the headers take. */
function rfc1123(text: string): number {
  if (!/^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT$/.test(text))
    throw new Refusal(400, 'InvalidHeaderValue')
  return Date.parse(text)
}

function metadataOf(headers: IncomingMessage['headers']): Map<string, string> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-ms-meta-'))
  const metadata = new Map(own.map(([name, value]) => [name.slice('x-ms-meta-'.length), value as string]))
  // Names are C# identifiers, all of it at most 8 KiB.
  const size = [...metadata].reduce((sum, [name, value]) => sum + name.length + value.length, 0)
  if (size > 8_192) throw new Refusal(400, 'MetadataTooLarge')
  if ([...metadata.keys()].some((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))) throw new Refusal(400, 'InvalidMetadata')
  return metadata
}

function described({ id, current }: BlobVersion): Record<string, string> {
  return {
    etag: '"0x1"',
    'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT',
    ...(id === null ? {} : { 'x-ms-version-id': id, 'x-ms-is-current-version': String(current) }),
  }
}

function held({ policy, hold }: BlobVersion): Record<string, string> {
  return {
    ...(policy === null
      ? {}
      : {
          'x-ms-immutability-policy-until-date': new Date(policy.untilMs).toUTCString(),
          'x-ms-immutability-policy-mode': policy.locked ? 'locked' : 'unlocked',
        }),
    ...(hold ? { 'x-ms-legal-hold': 'true' } : {}),
  }
}
