import { readFileSync } from 'node:fs'
import { isAbsolute, resolve } from 'node:path'
import type { ErrorCode } from '../errors.ts'
import { nearest } from './nearest.ts'
import { correctMode } from './pasted.ts'
import type { KeyType } from './key.ts'
import { parseDuration, parseSize } from './units.ts'

/** Where values come from besides the file. */
export interface Taking {
  /** Relative paths start here. */
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** A value, null when nothing was written, or what is wrong with it – in words that never repeat it. */
export type Taken = { readonly value: unknown } | { readonly message: string; readonly code?: ErrorCode }

/** Turns what was written under a key into what the program uses. */
export function takeValue(plain: unknown, type: KeyType, taking: Taking): Taken {
  if (plain === null || plain === undefined) return { value: null }
  if (type.is === 'later') return isEmpty(plain) ? { value: null } : { message: 'not available in this version' }
  if (type.is === 'map' || type.is === 'methods')
    return typeof plain === 'object' && !Array.isArray(plain) ? { value: plain } : { message: 'a map is needed here' }
  if (type.is === 'texts') return takeTexts(plain)
  if (type.is === 'duties') return takeDuties(plain, type)
  if (type.is === 'choice' && typeof plain === 'object')
    return { message: `one of ${type.of.join(', ')} is needed here${type.later.length === 0 ? '' : '; others are not available in this version'}` }
  if (typeof plain === 'object') return { message: 'a single value is needed here' }
  if (type.is === 'file') return takeFile(String(plain), taking)
  if (type.is === 'secret') return takeSecret(String(plain), taking)
  const text = dereference(String(plain), taking)
  return typeof text === 'string' ? takeText(text, type, taking) : text
}

function takeText(text: string, type: Exclude<KeyType, { is: 'later' | 'map' | 'methods' | 'texts' | 'duties' | 'file' | 'secret' }>, taking: Taking): Taken {
  switch (type.is) {
    case 'text':
      return type.pattern.test(text) ? { value: text } : { message: `${type.form} is needed here` }
    case 'path':
      return text === '' ? { message: 'a path is needed here' } : { value: isAbsolute(text) ? text : resolve(taking.folder, text) }
    case 'duration':
      return needed(parseDuration(text), 'a duration is needed here, such as 500ms, 30s, 5m, P30D')
    case 'size':
      return needed(parseSize(text), 'a size is needed here, such as 64MiB')
    case 'boolean':
      return text === 'true' || text === 'false' ? { value: text === 'true' } : { message: 'true or false is needed here' }
    case 'integer': {
      const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      return number >= type.from && number <= type.to ? { value: number } : { message: `a whole number from ${type.from} to ${type.to} is needed here` }
    }
    case 'address':
      return needed(takeAddress(text), 'HOST:PORT or PORT is needed here, such as 127.0.0.1:8787')
    case 'choice':
      return takeChoice(text, type)
  }
}

function takeChoice(text: string, { of, later }: { of: readonly string[]; later: readonly string[] }): Taken {
  if (of.includes(text)) return { value: text }
  const wrongMode = correctMode(text)
  if (wrongMode !== null) return wrongMode
  const kind = later.find((each) => text.toLowerCase().startsWith(each))
  if (kind !== undefined) return { message: `${kind} is not available in this version; available: ${of.join(', ')}` }
  const meant = nearest(text, of)
  return { message: `one of ${of.join(', ')} is needed here${meant === null ? '' : `; did you mean ${meant}?`}` }
}

function takeTexts(plain: unknown): Taken {
  const texts = Array.isArray(plain) ? plain : [plain]
  return texts.length > 0 && texts.every((each) => typeof each === 'string' && each !== '')
    ? { value: texts }
    : { message: 'a text or a list of texts is needed here' }
}

function takeDuties(plain: unknown, { of, later }: { of: readonly string[]; later: readonly string[] }): Taken {
  if (plain === true || plain === 'true') return { value: of }
  if (plain === false || plain === 'false') return { value: [] }
  const texts = takeTexts(plain)
  if ('message' in texts) return { message: `true, false or a list of ${of.join(', ')} is needed here` }
  for (const each of texts.value as string[]) {
    const taken = takeChoice(each, { of, later })
    if ('message' in taken) return taken
  }
  return texts
}

/** `file:PATH` names a file whose content another part reads when it needs it. */
function takeFile(text: string, { folder }: Taking): Taken {
  if (!text.startsWith('file:') || text.length === 5) return { message: 'write file:PATH; certificates and keys are files' }
  return { value: resolve(folder, text.slice(5)) }
}

/** Only a reference is taken: the configuration is sealed at each start, and a secret must not be in it. */
function takeSecret(text: string, taking: Taking): Taken {
  if (!/^(?:env|file):./.test(text)) return { message: 'write env:NAME or file:PATH; a secret does not stand in the file itself' }
  const opened = dereference(text, taking)
  if (typeof opened !== 'string') return opened
  return { value: text.startsWith('file:') ? `file:${resolve(taking.folder, text.slice(5))}` : text }
}

/** What a reference taken as `secret` stands for, at this moment. @throws Error when it can no longer be opened; it says nothing of the secret */
export function openSecret(reference: string, env: Taking['env']): string {
  const opened = dereference(reference, { folder: '/', env })
  if (typeof opened === 'string') return opened
  throw new Error(opened.message)
}

/** The text itself, or what the reference `env:NAME` or `file:PATH` in its place stands for. */
function dereference(text: string, { folder, env }: Taking): string | { readonly message: string } {
  if (text.startsWith('env:')) {
    const name = text.slice(4)
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return { message: 'env: needs the name of an environment variable' }
    return env[name] ?? { message: `the environment variable ${name} is not set` }
  }
  if (!text.startsWith('file:')) return text
  try {
    return readFileSync(resolve(folder, text.slice(5)), 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    return { message: `the file it refers to cannot be read (${(error as NodeJS.ErrnoException).code})` }
  }
}

function takeAddress(text: string): Address | null {
  const parts = /^(?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):)?(\d{1,5})$/.exec(text)
  const port = Number(parts?.[2] ?? Number.NaN)
  if (parts === null || port > 65_535) return null
  return { host: (parts[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port }
}

function needed(value: unknown, message: string): Taken {
  return value === null ? { message } : { value }
}

function isEmpty(value: unknown): boolean {
  return value === '' || value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
}
