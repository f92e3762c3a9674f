/**
 * Counters, gauges and histograms of one thread. A snapshot is a plain value that can be posted to another thread; the
 * main thread merges the snapshots of all threads and renders Prometheus text (exposition format 0.0.4).
 * Label values are route templates, codes and names of the configuration – never anything a sender wrote.
 */
export interface MetricSnapshot {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  /** Upper bounds, ascending, without +Inf; histograms only. */
  readonly buckets: readonly number[]
  /** Label values joined by U+0000 → [value], or for histograms [count per bucket…, count above all, sum]. */
  readonly series: ReadonlyMap<string, readonly number[]>
}
export type Snapshot = readonly MetricSnapshot[]

export interface Counter {
  add(amount: number, ...labelValues: string[]): void
}
export interface Gauge {
  set(value: number, ...labelValues: string[]): void
}
export interface Histogram {
  observe(value: number, ...labelValues: string[]): void
}

/** Seconds, from 0.5 ms to 10 s. */
const LATENCY_BUCKETS: readonly number[] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]

type Mutable = Omit<MetricSnapshot, 'series'> & { readonly series: Map<string, number[]> }

/** The registry of one thread. Asking for a name again gives the same metric. */
export class Metrics {
  readonly #all = new Map<string, Mutable>()

  counter(name: string, help: string, labels: readonly string[] = []): Counter {
    const metric = this.#metric({ name, help, kind: 'counter', labels, buckets: [] })
    return { add: (amount, ...values) => void (row(metric, values, 1)[0]! += amount) }
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Gauge {
    const metric = this.#metric({ name, help, kind: 'gauge', labels, buckets: [] })
    return { set: (value, ...values) => void (row(metric, values, 1)[0] = value) }
  }

  histogram(name: string, help: string, labels: readonly string[] = [], buckets: readonly number[] = LATENCY_BUCKETS): Histogram {
    const metric = this.#metric({ name, help, kind: 'histogram', labels, buckets })
    return {
      observe: (value, ...values) => {
        const cells = row(metric, values, buckets.length + 2)
        let at = 0
        while (at < buckets.length && value > (buckets[at] as number)) at++
        cells[at]! += 1
        cells[buckets.length + 1]! += value
      },
    }
  }

  /** A copy that no longer changes; structured-cloneable. */
  snapshot(): Snapshot {
    return [...this.#all.values()].map((m) => ({ ...m, series: new Map([...m.series].map(([k, v]) => [k, [...v]])) }))
  }

  #metric(shape: Omit<Mutable, 'series'>): Mutable {
    const known = this.#all.get(shape.name)
    if (known !== undefined) {
      if (known.kind !== shape.kind || known.labels.join() !== shape.labels.join()) throw new TypeError(`metric ${shape.name} has another shape`)
      return known
    }
    const made: Mutable = { ...shape, series: new Map() }
    this.#all.set(shape.name, made)
    return made
  }
}

/** The sum of all snapshots, series by series; gauges add up as well (each thread reports its share). */
export function mergeSnapshots(snapshots: readonly Snapshot[]): Snapshot {
  const merged = new Map<string, Mutable>()
  for (const metric of snapshots.flat()) {
    let into = merged.get(metric.name)
    if (into === undefined) merged.set(metric.name, (into = { ...metric, series: new Map() }))
    for (const [key, cells] of metric.series) {
      const have = into.series.get(key)
      if (have === undefined) into.series.set(key, [...cells])
      else for (let i = 0; i < cells.length; i++) have[i]! += cells[i] as number
    }
  }
  return [...merged.values()]
}

/** Prometheus text, metrics and series in name order. Content type `text/plain; version=0.0.4; charset=utf-8`. */
export function renderPrometheus(snapshot: Snapshot): string {
  const lines: string[] = []
  for (const metric of [...snapshot].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    lines.push(`# HELP ${metric.name} ${metric.help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}`, `# TYPE ${metric.name} ${metric.kind}`)
    for (const [key, cells] of [...metric.series].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const labels = metric.labels.map((name, i) => `${name}="${escapeLabel(key.split('\0')[i] ?? '')}"`)
      if (metric.kind !== 'histogram') lines.push(`${metric.name}${braces(labels)} ${cells[0]}`)
      else renderHistogram(lines, metric, labels, cells)
    }
  }
  return `${lines.join('\n')}\n`
}

function renderHistogram(lines: string[], metric: MetricSnapshot, labels: readonly string[], cells: readonly number[]): void {
  let count = 0
  for (const [i, bound] of [...metric.buckets, Infinity].entries()) {
    count += cells[i] as number
    lines.push(`${metric.name}_bucket${braces([...labels, `le="${bound === Infinity ? '+Inf' : bound}"`])} ${count}`)
  }
  lines.push(`${metric.name}_sum${braces(labels)} ${cells[metric.buckets.length + 1]}`, `${metric.name}_count${braces(labels)} ${count}`)
}

function row(metric: Mutable, values: readonly string[], length: number): number[] {
  const key = values.length === 1 ? (values[0] as string) : values.join('\0')
  let cells = metric.series.get(key)
  if (cells === undefined) metric.series.set(key, (cells = new Array<number>(length).fill(0)))
  return cells
}

const braces = (labels: readonly string[]): string => (labels.length === 0 ? '' : `{${labels.join(',')}}`)
const escapeLabel = (text: string): string => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
