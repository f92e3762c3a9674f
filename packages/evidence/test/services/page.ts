// verify.html in headless Chromium, from disk, the network cut: whatever asks for anything but the file itself is written down.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { certificatePem } from '../../src/timestamp/pem.ts'
import { buildPage } from '../../web/build.ts'
import type { Brought } from '../bundle/examiner.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path))

/** node:test's option: why there is no browser, or false. */
export const noBrowser: string | false = CHROMIUM === undefined ? 'Chromium is not here' : false

export interface Opened {
  readonly page: Page
  /** Addresses asked for, but the page itself; console errors and uncaught ones. */
  readonly strays: readonly string[]
  close(): Promise<void>
}

/** A browser and the page on disk. */
export class Desk {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sealtrail-page-'))
  readonly #browser: Browser
  readonly #url: string

  private constructor(browser: Browser, page: string) {
    this.#browser = browser
    const path = join(this.#folder, 'verify.html')
    writeFileSync(path, page)
    this.#url = pathToFileURL(path).href
  }

  static async open(page?: string): Promise<Desk> {
    const browser = await chromium.launch({
      executablePath: CHROMIUM as string,
      args: ['--no-sandbox', '--disable-background-networking', '--js-flags=--expose-gc'],
    })
    return new Desk(browser, page ?? (await buildPage()))
  }

  async visit(options: BrowserContextOptions = {}): Promise<Opened> {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
    await context.setOffline(true)
    const strays: string[] = []
    const own = this.#url
    await context.route('**/*', (route) => {
      if (route.request().url() === own) return route.continue()
      strays.push(route.request().url())
      return route.abort()
    })
    context.on('request', (request) => {
      if (request.url() !== own && !request.url().startsWith('blob:')) strays.push(request.url())
    })
    const page = await context.newPage()
    page.on('pageerror', (error) => strays.push(`error: ${error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error') strays.push(`console: ${message.text()}`)
    })
    await page.goto(own)
    return { page, strays, close: () => context.close() }
  }

  /** A file of the examiner's. */
  file(name: string, bytes: Uint8Array | string): string {
    const path = join(this.#folder, name)
    writeFileSync(path, bytes)
    return path
  }

  async close(): Promise<void> {
    await this.#browser.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Puts in what the examiner brings, then the file, and waits for the answer. */
export async function examine(page: Page, { keys, policy, roots, asked }: Brought, file: string): Promise<void> {
  await page.getByLabel('Key of the log').fill(keys.join('\n'))
  await page.getByLabel('Witness policy').fill(policy)
  await page.getByLabel('Root certificates').fill(roots.map((der) => certificatePem(der)).join(''))
  if (asked.range !== undefined || asked.subject !== undefined) {
    await page.getByText('Compare with what you asked for').click()
    if (asked.range !== undefined) await page.getByLabel('Records of a log').fill(`${asked.range.log}:${asked.range.from}..${asked.range.to}`)
    if (asked.subject !== undefined) await page.getByLabel('Everything about one call').fill(asked.subject)
  }
  await page.locator('#file').setInputFiles(file)
  await page.locator('#verdict').waitFor({ timeout: 60_000 })
}

/** What the page says. */
export async function told(
  page: Page,
): Promise<{ verdict: string; headline: string; sentence: string; codes: string[]; sentences: string[]; answers: Record<string, string> }> {
  const texts = (selector: string): Promise<string[]> => page.locator(selector).allTextContents()
  const answers: Record<string, string> = {}
  for (const each of await page.locator('[data-answer]').all())
    answers[(await each.getAttribute('data-answer')) as string] = (await each.getAttribute('data-state')) as string
  return {
    verdict: (await page.locator('#verdict').getAttribute('data-verdict')) ?? '',
    headline: (await texts('#headline')).join(''),
    sentence: (await texts('#verdict p')).join(' '),
    codes: await page.locator('[data-code]').evaluateAll((all) => all.map((each) => each.getAttribute('data-code') ?? '')),
    sentences: await texts('.findings .what'),
    answers,
  }
}
