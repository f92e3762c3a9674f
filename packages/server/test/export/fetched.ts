// An export fetched as its requester fetches it, unpacked by other people's programs.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { verifyBundle } from '@sealtrail/evidence'
import type { BundleManifest, BundleTrust, BundleVerdict, JsonObject } from '@sealtrail/evidence'
import type { Role } from '../../src/http/ports.ts'
import { createApp } from '../../src/http/app.ts'
import type { World } from '../flow/harness.ts'

export class Fetched {
  readonly job: JsonObject
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly folder: string
  readonly zip: string

  constructor(job: JsonObject, bytes: Uint8Array<ArrayBuffer>) {
    this.job = job
    this.bytes = bytes
    this.folder = mkdtempSync(join(tmpdir(), 'sealtrail-bundle-'))
    this.zip = `${this.folder}.zip`
    writeFileSync(this.zip, bytes)
  }

  /** Info-ZIP unpacks it and finds nothing wrong. */
  unzip(): this {
    execFileSync('unzip', ['-q', this.zip, '-d', this.folder])
    return this
  }

  paths(): string[] {
    return readdirSync(this.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.folder, join(entry.parentPath, entry.name)))
      .sort()
  }

  text(path: string): string {
    return readFileSync(join(this.folder, path), 'utf8')
  }

  lines(path: string): string[] {
    return this.text(path).split('\n').slice(0, -1)
  }

  get manifest(): BundleManifest {
    return JSON.parse(this.text('manifest.json')) as BundleManifest
  }

  verify(trust: BundleTrust = {}): Promise<BundleVerdict> {
    return verifyBundle(new Blob([this.bytes]), trust)
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true })
    rmSync(this.zip, { force: true })
  }
}

/** Orders an export and fetches it. */
export async function fetchExport(world: World, body: JsonObject, role: Role = 'officer', headers: Record<string, string> = {}): Promise<Fetched> {
  const { status, body: job } = await world.send('/api/v1/exports', body, { role, headers })
  assert.equal(status, 201, JSON.stringify(job))
  const app = createApp(world.local.served.deps)
  const answer = await app.request(`/api/v1/exports/${String(job['id'])}/bundle`, {
    headers: { authorization: `Bearer ${world.tokens.get(role)}`, ...headers },
  })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers.get('content-type'), 'application/zip')
  const bytes = new Uint8Array(await answer.arrayBuffer())
  assert.equal(Number(answer.headers.get('content-length')), bytes.length)
  return new Fetched(job, bytes)
}
