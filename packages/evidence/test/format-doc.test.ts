import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { zstdDecompressSync } from 'node:zlib'
import {
  LogAudit,
  PROBLEMS,
  commitmentDigests,
  decodeSegment,
  openDisclosure,
  parseCertificate,
  parseReceipt,
  parseRecord,
  segmentRecord,
  verifyCertificate,
  verifyReceipt,
} from '@sealtrail/evidence'
import type { JsonValue } from '@sealtrail/evidence'
import { certificateExample } from './certificate-example.ts'
import { bytesOf } from './certificate/maker.ts'
import { LOG, ORIGIN, commits, disclosure, fileOf, makeExample } from './format-example.ts'

const root = new URL('../../../', import.meta.url)
const read = (name: string): Buffer => readFileSync(new URL(`docs/example/${name}`, root))
const page = readFileSync(new URL('docs/format.md', root), 'utf8')
const file = read('00000000000000000000.ndjson.zst')

/** Objects of an append file, read as section 8 says, without the server's code. */
function objectsOf(bytes: Buffer): Array<{ key: string; sha256: string; frame: Buffer }> {
  const objects = []
  for (let at = 0; at < bytes.length;) {
    assert.equal(bytes.readUInt32LE(at), 0x184d2a5e)
    const length = bytes.readUInt32LE(at + 4)
    const line = bytes.toString('latin1', at + 8, at + 8 + length)
    const { key, sha256, size } = JSON.parse(line.slice(0, line.lastIndexOf('}') + 1)) as { key: string; sha256: string; size: number }
    const start = at + 8 + length
    objects.push({ key, sha256, frame: bytes.subarray(start, start + size) })
    at = start + size
  }
  return objects
}

const objects = objectsOf(file)

test('the example is what the code writes today', () => {
  const example = makeExample(objects.map(({ frame }) => frame))
  assert.deepEqual(Buffer.from(fileOf(example)), file)
  for (const [i, { ndjson }] of example.segments.entries()) assert.deepEqual(zstdDecompressSync(objects[i]!.frame), Buffer.from(ndjson))
  assert.equal(example.checkpoint, read('checkpoint').toString())
  assert.equal(example.receipt, read('receipt.json').toString())
  assert.equal(example.proof, read('e3.tlog-proof').toString())
  assert.equal(example.vkey, read('log.vkey').toString())
  assert.equal(disclosure + '\n', read('disclosure').toString())
  assert.deepEqual(bytesOf(certificateExample()), read('certificate.json'))
})

test('the example’s certificate is established by the key of any log of its server', () => {
  const { conclusion, problems } = verifyCertificate(parseCertificate(read('certificate.json')), { vkeys: [read('log.vkey').toString()] })
  assert.deepEqual([conclusion, problems], ['established', []])
})

test('the example is a good log, its receipt and disclosure are of it', () => {
  const vkey = read('log.vkey').toString().trim()
  const audit = new LogAudit({ log: LOG, origin: ORIGIN, trust: vkey, signer: null, records: { form: 'parse', auditids: true, subjects: true } })
  const records: Uint8Array[] = []
  for (const { key, sha256, frame } of objects) {
    assert.equal(createHash('sha256').update(frame).digest('hex'), sha256)
    const ndjson = zstdDecompressSync(frame)
    audit.segment(key, sha256, ndjson)
    const segment = decodeSegment(ndjson)
    for (let i = 0; i < segment.header.count; i++) records.push(segmentRecord(segment, i))
  }
  audit.checkpoint('checkpoint', read('checkpoint').toString())
  assert.deepEqual(audit.result().problems, [])
  assert.deepEqual(records.map(parseRecord), commits.flat())
  const receipt = parseReceipt(JSON.parse(read('receipt.json').toString()) as JsonValue)
  assert.equal(verifyReceipt(receipt, { record: records[1]! }, vkey).ok, true)
  const opened = openDisclosure(read('disclosure').toString().trim())
  assert.deepEqual(commitmentDigests(parseRecord(records[0]!).data), [opened.digest])
})

test('every command of the page prints what the page says', (t) => {
  const tools = ['bash', 'zstdcat', 'jq', 'sha256sum', 'xxd', 'openssl', 'basenc', 'cmp', 'unzip']
  const missing = tools.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0)
  if (missing.length > 0) return t.skip(`not installed: ${missing.join(' ')}`)
  const steps: Array<{ command: string; output: string }> = []
  for (const [, block] of page.matchAll(/```console\n(.*?)```/gs)) {
    for (const line of block!.split(/(?<=\n)/)) {
      if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: '' })
      else steps.at(-1)!.output += line
    }
  }
  assert.ok(steps.length > 20)
  const script = steps.map(({ command }) => `${command}printf '\\036'\n`).join('')
  const run = spawnSync('bash', ['-c', script], { cwd: fileURLToPath(root), encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
  const outputs = run.stdout.split('\x1e')
  for (const [i, { command, output }] of steps.entries()) assert.equal(outputs[i]?.trimEnd(), output.trimEnd(), `$ ${command}${run.stderr}`)
})

test('the page lists every problem code with the meaning the code gives it', () => {
  const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (.*) \|$/gm)].map(([, code, meaning]) => [code, meaning])
  assert.deepEqual(rows, Object.entries(PROBLEMS))
})
