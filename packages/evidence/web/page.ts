import { count } from '../src/report/words.ts'
import { Checker } from './checker.ts'
import { el, the } from './dom.ts'
import { startForm } from './form.ts'
import type { Input } from './form.ts'
import type { Ask, Checked, Told } from './messages.ts'
import { RecordsView } from './records-view.ts'
import { reportView } from './report-view.ts'
import type { RecordRow } from '../src/report/row.ts'

// One script in two places: the page, and the worker it starts from its own text, so that the page stays one file and
// Content-Security-Policy names one hash.
if (typeof document === 'undefined') {
  const scope = globalThis as unknown as { postMessage(told: Told): void; addEventListener(type: 'message', heard: (event: MessageEvent<Ask>) => void): void }
  const checker = new Checker((told) => scope.postMessage(told))
  scope.addEventListener('message', ({ data }) => void checker.asked(data))
} else startPage(document.currentScript?.textContent ?? '')

interface Engine {
  ask(ask: Ask): void
  stop(): void
}

function startPage(script: string): void {
  let engine: Engine | null = null
  let finding = 0
  const waiting = new Map<number, (rows: readonly RecordRow[] | null) => void>()
  let current: Input | null = null
  let started = 0

  const hear = (told: Told): void => {
    if (told.kind === 'progress') progress(told)
    else if (told.kind === 'found') {
      waiting.get(told.id)?.(told.rows)
      waiting.delete(told.id)
    } else {
      the('progress').hidden = true
      if (told.kind === 'failed') say(told.message, 'bad')
      else if (current !== null) show(told.result, current, started)
    }
  }

  const find = (text: string): Promise<readonly RecordRow[]> =>
    new Promise((resolve, reject) => {
      finding++
      waiting.set(finding, (rows) => (rows === null ? reject(new Error('unreadable')) : resolve(rows)))
      engine?.ask({ kind: 'find', id: finding, text })
    })

  const show = ({ report, rows, total, sha256 }: Checked, { file }: Input, since: number): void => {
    const now = new Date()
    const about = `${file.name}, ${count(file.size)} bytes, SHA-256 ${sha256}. Checked here on ${now.toLocaleString('en-GB', { dateStyle: 'long', timeStyle: 'long' })} in ${((performance.now() - since) / 1000).toFixed(1)} s.`
    const parts = reportView(report, about)
    if (rows.length > 0) parts.push(new RecordsView(rows, total, report, rows.length < total ? find : null).element)
    const save = el('button', { type: 'button' }, 'Save the result (JSON)')
    save.addEventListener('click', () =>
      download(
        `${file.name}.result.json`,
        JSON.stringify({ file: { name: file.name, size: file.size, sha256 }, checked: now.toISOString(), ...report }, null, 1),
      ),
    )
    const print = el('button', { type: 'button' }, 'Print')
    print.addEventListener('click', () => globalThis.print())
    parts.push(el('div', { class: 'actions' }, save, print))
    the('report').replaceChildren(...parts)
    the('report').hidden = false
    the('spoken').textContent = `${report.headline}. ${report.sentence}`
    // Somebody who is typing a key is left where they are.
    if (!/^(?:TEXTAREA|INPUT)$/.test(document.activeElement?.tagName ?? '') || document.activeElement === the('file'))
      the('verdict').scrollIntoView({ block: 'start' })
  }

  const again = startForm((input, why) => {
    engine?.stop()
    engine = null
    waiting.clear()
    current = input
    the('report').hidden = true
    the('progress').hidden = true
    if (input === null) return say(why ?? '', 'open')
    the('report').replaceChildren()
    started = performance.now()
    engine = startEngine(script, hear)
    progress({ kind: 'progress', done: 0, total: null, what: 'Reading the file' })
    engine.ask({ kind: 'check', ...input })
  })

  the('stop').addEventListener('click', () => {
    engine?.stop()
    engine = null
    the('progress').hidden = true
    say('Stopped. Nothing is established.', 'open')
    const button = el('button', { type: 'button' }, 'Check again')
    button.addEventListener('click', again)
    the('report').append(el('div', { class: 'actions' }, button))
  })
  globalThis.addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll('#report details')) {
      details.dispatchEvent(new Event('open-for-print'))
      details.setAttribute('open', '')
    }
  })
}

/** A worker, so that the page stays usable; where a browser allows none from a file on disk, the page itself. */
function startEngine(script: string, hear: (told: Told) => void): Engine {
  try {
    const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))
    const worker = new Worker(url)
    let alive = false
    let asked: Ask | null = null
    let fallback: Checker | null = null
    worker.addEventListener('message', ({ data }: MessageEvent<Told>) => {
      alive = true
      hear(data)
    })
    worker.addEventListener('error', () => {
      if (alive)
        return hear({ kind: 'failed', message: 'The check stopped unexpectedly and says nothing about the file. Perhaps this computer has too little memory.' })
      fallback = new Checker(hear)
      if (asked !== null) void fallback.asked(asked)
    })
    return {
      ask(ask) {
        asked = ask
        if (fallback === null) worker.postMessage(ask)
        else void fallback.asked(ask)
      },
      stop() {
        worker.terminate()
        URL.revokeObjectURL(url)
      },
    }
  } catch {
    let stopped = false
    const checker = new Checker((told) => stopped || hear(told))
    return { ask: (ask) => void checker.asked(ask), stop: () => (stopped = true) }
  }
}

function progress({ done, total, what }: Extract<Told, { kind: 'progress' }>): void {
  const bar = the<HTMLProgressElement>('progress-bar')
  if (total === null || total === 0) bar.removeAttribute('value')
  else bar.value = done / total
  const share = total === null || total === 0 ? '' : `, ${Math.floor((100 * done) / total)} %`
  the('progress-text').textContent = `${what}${share}`
  if (the('progress').hidden) the('spoken').textContent = `${what}.`
  the('progress').hidden = false
}

function say(message: string, tone: 'open' | 'bad'): void {
  the('report').replaceChildren(...(message === '' ? [] : [el('p', { class: `notice ${tone}` }, message)]))
  the('report').hidden = message === ''
  the('spoken').textContent = message
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
  el('a', { href: url, download: name }).click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
