import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { buildPage } from '../../web/build.ts'

const page = await buildPage()
const part = (tag: string): string => new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(page)?.[1] ?? ''
const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64')

test('the page is the same bytes each time it is built', async () => {
  assert.equal(await buildPage(), page)
})

test('its policy forbids every connection and every script and style but its own', () => {
  const policy = /http-equiv="Content-Security-Policy"\s+content="([^"]+)"/.exec(page)?.[1] ?? ''
  const rules = new Map(policy.split('; ').map((rule) => [rule.split(' ')[0], rule.split(' ').slice(1).join(' ')]))
  assert.deepEqual(Object.fromEntries(rules), {
    'default-src': "'none'",
    'script-src': `'sha256-${sha256(part('script'))}'`,
    'style-src': `'sha256-${sha256(part('style'))}'`,
    'worker-src': 'blob:',
    'connect-src': "'none'",
    'img-src': "'none'",
    'form-action': "'none'",
    'base-uri': "'none'",
  })
  assert.ok(page.indexOf('Content-Security-Policy') < page.indexOf('<script>'), 'it stands before what it governs')
})

test('it holds all it needs, and no way to a network', () => {
  assert.equal(page.match(/<script\b/g)?.length, 1)
  assert.equal(page.match(/<style\b/g)?.length, 1)
  assert.doesNotMatch(page, /<(?:link|img|iframe|object|embed|base)\b/i)
  assert.doesNotMatch(page, /\s(?:src|href|action|srcset)="(?!#)/i)
  assert.doesNotMatch(part('style'), /url\(|@import/)
  const script = part('script')
  assert.doesNotMatch(
    script,
    /\bfetch\s*\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts|\bimport\s*\(|\beval\s*\(|new Function|document\.write|innerHTML|insertAdjacentHTML/,
  )
  // The only addresses in it are names: of SVG, and none that is asked for.
  assert.deepEqual([...new Set(script.match(/https?:\/\/[^"'`\s)]*/g))], ['http://www.w3.org/2000/svg'])
  assert.doesNotMatch(page, /%[A-Z_]{4,}%/, 'no blank is left unfilled')
})

test('it names the licences of what is in it', () => {
  for (const name of ['@noble/ed25519', '@noble/hashes']) assert.ok(page.includes(name), name)
})
