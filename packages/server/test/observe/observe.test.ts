import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog, errorFields } from '../../src/observe/log.ts'
import { mergeSnapshots, Metrics, renderPrometheus } from '../../src/observe/metrics.ts'

test('a log line is one JSON object with time, level, message and fields; below the level nothing', () => {
  const lines: string[] = []
  const log = createLog({ level: 'warn', now: () => 0, write: (line) => void lines.push(line) })
  log.info('unseen')
  log.warn('line\nbreak', { code: 'X', time: 'not mine', n: 1, gone: undefined })
  assert.equal(lines.length, 1)
  assert.equal(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1)
  assert.deepEqual(JSON.parse(lines[0] ?? ''), { time: '1970-01-01T00:00:00.000Z', level: 'warn', message: 'line\nbreak', code: 'X', n: 1 })
})

test('of an error the log says class, system code and place, never its message', () => {
  const error = Object.assign(new TypeError('secret value'), { code: 'EFAIL' })
  const fields = errorFields(error)
  assert.deepEqual([fields['error'], fields['cause']], ['TypeError', 'EFAIL'])
  assert.match(String(fields['at']), /observe\.test\.ts:\d+$/)
  const multiline = errorFields(new Error('first\n    at secret (x:1:1)\nsecret'))
  assert.ok(!JSON.stringify([fields, multiline]).includes('secret'))
  assert.deepEqual(errorFields('secret'), { error: 'string' })
})

test('metrics of two threads add up and render as Prometheus text', () => {
  const make = (): Metrics => {
    const metrics = new Metrics()
    metrics.counter('b_total', 'Bs', ['kind', 'name']).add(2, 'x', 'a"\\\n')
    metrics.gauge('a_now', 'As').set(1.5)
    const h = metrics.histogram('c_seconds', 'Cs', ['op'], [0.1, 1])
    for (const value of [0.05, 0.1, 0.5, 7]) h.observe(value, 'w')
    return metrics
  }
  const snapshots = [make(), make()].map((m) => structuredClone(m.snapshot()))
  assert.equal(
    renderPrometheus(mergeSnapshots(snapshots)),
    `# HELP a_now As
# TYPE a_now gauge
a_now 3
# HELP b_total Bs
# TYPE b_total counter
b_total{kind="x",name="a\\"\\\\\\n"} 4
# HELP c_seconds Cs
# TYPE c_seconds histogram
c_seconds_bucket{op="w",le="0.1"} 4
c_seconds_bucket{op="w",le="1"} 6
c_seconds_bucket{op="w",le="+Inf"} 8
c_seconds_sum{op="w"} 15.3
c_seconds_count{op="w"} 8
`,
  )
})

test('a snapshot does not move, a name has one shape, merging leaves its sources alone', () => {
  const metrics = new Metrics()
  const counter = metrics.counter('n', 'N')
  counter.add(1)
  const before = metrics.snapshot()
  metrics.counter('n', 'N').add(1)
  mergeSnapshots([before, before])
  assert.deepEqual([...(before[0]?.series.values() ?? [])], [[1]])
  assert.throws(() => metrics.gauge('n', 'N'), TypeError)
})
