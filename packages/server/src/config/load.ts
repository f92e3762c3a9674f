import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SealtrailError } from '../errors.ts'
import { checkConfig } from './check.ts'
import type { AuthorityConfig, Config, TrailConfig } from './config.ts'
import { correctDestination } from './pasted.ts'
import { readWritten } from './read.ts'
import { readKeys } from './keyring-keys.ts'
import { readStore } from './store-keys.ts'
import type { StoreReading } from './store-keys.ts'
import { readClasses } from './classes.ts'
import { readContentDuty } from './content-duty.ts'
import { readProtect } from './protect.ts'
import { readTiers } from './tiers.ts'
import type { Remark, Written } from './read.ts'
import { BUILT_IN_TRAILS, KEYS } from './schema.ts'
import type { Key } from './key.ts'
import { takeValue } from './value.ts'
import { readRoots } from './time-stamp-roots.ts'
import { readWitnessPolicy } from './witness-policy.ts'
import type { Address } from './value.ts'

export interface LoadOptions {
  /** Relative defaults and a file named relatively start here. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** What the command line says, which goes before the file. */
  readonly data?: string
  readonly port?: number
}

export interface Loaded {
  readonly config: Config
  /** What its writer should know, though it works. */
  readonly warnings: readonly Remark[]
}

/** Reads the file, or with null goes by the defaults alone. @throws SealtrailError CONFIG_INVALID, WRONG_LOCK_MODE, WRONG_LOCK_HEADER: every mistake, with line and column. */
export function loadConfig(file: string | null, options: LoadOptions): Loaded {
  if (file === null) return parseConfig('', 'defaults', options.cwd, options)
  const path = resolve(options.cwd, file)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SealtrailError('CONFIG_INVALID', `${basename(path)} cannot be read (${(cause as NodeJS.ErrnoException).code})`, { cause })
  }
  return parseConfig(text, basename(path), dirname(path), options)
}

/** As `loadConfig`, for a text. `name` stands for it in messages, `folder` is where its relative paths start. */
export function parseConfig(text: string, name: string, folder: string, options: LoadOptions): Loaded {
  const written = readWritten(text, { folder, env: options.env })
  const build = new Build(written, folder, options)
  const config = written.mistakes.length === 0 ? build.config() : null
  const mistakes = [...written.mistakes, ...build.mistakes]
  if (config === null || mistakes.length > 0) {
    mistakes.sort((a, b) => a.line - b.line || a.column - b.column)
    throw new SealtrailError(mistakes[0]?.code ?? 'CONFIG_INVALID', mistakes.map((remark) => formatRemark(name, remark)).join('\n'))
  }
  return { config, warnings: [...build.warnings, ...checkConfig(config)] }
}

/** One line, `sealtrail.yaml:3:5: …`. */
export function formatRemark(name: string, { line, column, message }: Remark): string {
  return line === 0 ? message : `${name}:${line}:${column}: ${message}`
}

/** `seal.maxDelay` where nobody says it: a sync of a disk costs time alone, a put into a cloud's store also money. */
const FILES_DELAY_MS = 2
const BILLED_DELAY_MS = 100

class Build {
  readonly mistakes: Remark[] = []
  readonly warnings: Remark[] = []
  readonly #written: Written
  readonly #folder: string
  readonly #options: LoadOptions

  constructor(written: Written, folder: string, options: LoadOptions) {
    this.#written = written
    this.#folder = folder
    this.#options = options
  }

  config(): Config {
    const listen = this.#get<Address>('listen')
    const store = readStore(this.#keys())
    return {
      origin: this.#get('origin'),
      data: this.#options.data === undefined ? this.#get('data') : resolve(this.#options.cwd, this.#options.data),
      listen: { host: listen.host, port: this.#options.port ?? listen.port },
      tls: this.#tls(),
      tenant: this.#get('tenant'),
      clock: { acceptMs: this.#clock() },
      store,
      keys: readKeys(this.#keys()),
      seal: {
        maxDelayMs: this.#find('seal.maxDelay') ?? (store.place.type === 'files' ? FILES_DELAY_MS : BILLED_DELAY_MS),
        maxRecords: this.#get('seal.maxRecords'),
        maxBytes: this.#get('seal.maxBytes'),
      },
      witnesses: this.#witnesses(),
      timestamps: this.#timestamps(),
      trails: this.#trails(),
      auth: { dualControl: this.#get('auth.dualControl'), approveWithinMs: this.#approveWithin(), purposeRequired: this.#get('auth.purposeRequired') },
      limits: {
        maxBodyBytes: this.#get('limits.maxBody'),
        maxEventBytes: this.#get('limits.maxEvent'),
        maxDepth: this.#get('limits.maxDepth'),
        maxEvents: this.#get('limits.maxEvents'),
        answerWithinMs: this.#get('limits.answerWithin'),
        exportKeepMs: this.#get('limits.exportKeep'),
        exportRecords: this.#get('limits.exportRecords'),
        checksPerHour: this.#get('limits.checksPerHour'),
      },
      ingestThreads: this.#find<number>('limits.ingestThreads') ?? Math.min(availableParallelism(), 8),
    }
  }

  #approveWithin(): number {
    const ms = this.#get<number>('auth.approveWithin')
    if (ms <= 0) this.#mistake('auth.approveWithin', 'auth.approveWithin: must be longer than nothing')
    return ms
  }

  #clock(): number | null {
    const text = this.#find<string>('clock.accept')
    const ms = text === null ? null : Date.parse(text)
    if (Number.isNaN(ms)) this.#mistake('clock.accept', 'clock.accept: there is no such day or time')
    return ms
  }

  #witnesses(): Config['witnesses'] {
    const file = this.#find<string>('witnesses.policy')
    const intervalMs = this.#get<number>('witnesses.interval')
    const timeoutMs = this.#get<number>('witnesses.timeout')
    const failOpen = this.#get<boolean>('witnesses.failOpen')
    if (intervalMs < 100) this.#mistake('witnesses.interval', 'witnesses.interval: at least 100ms')
    if (timeoutMs < 1) this.#mistake('witnesses.timeout', 'witnesses.timeout: must be longer than nothing')
    if (file === null) {
      if (failOpen) this.#mistake('witnesses.failOpen', 'witnesses.failOpen: there is no witnesses.policy to fail')
      return null
    }
    try {
      return { policy: readWitnessPolicy(file), intervalMs, timeoutMs, failOpen }
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error
      this.#mistake('witnesses.policy', `witnesses.policy: ${error.message}`)
      return null
    }
  }

  #timestamps(): Config['timestamps'] {
    const intervalMs = this.#get<number>('timestamps.interval')
    const timeoutMs = this.#get<number>('timestamps.timeout')
    if (intervalMs < 1_000) this.#mistake('timestamps.interval', 'timestamps.interval: at least 1s')
    if (timeoutMs < 1) this.#mistake('timestamps.timeout', 'timestamps.timeout: must be longer than nothing')
    const names = [...this.#written.names('timestamps.authorities')].filter(([, on]) => on).map(([name]) => name)
    const authorities = names.map((name) => this.#authority(name)).filter((authority) => authority !== null)
    return authorities.length === 0 ? null : { intervalMs, timeoutMs, authorities }
  }

  #authority(name: string): AuthorityConfig | null {
    const path = `timestamps.authorities.${name}`
    const url = this.#find<string>(`${path}.url`)
    const rootsFile = this.#find<string>(`${path}.roots`)
    const user = this.#find<string>(`${path}.user`)
    const password = this.#find<string>(`${path}.password`)
    if (url === null) this.#mistake(path, `${path}.url is missing`)
    if (rootsFile === null) this.#mistake(path, `${path}.roots is missing: without a root anybody's token would do`)
    if ((user === null) !== (password === null)) this.#mistake(path, `${path}.${user === null ? 'user' : 'password'} is missing: both are needed`)
    if (url === null || rootsFile === null) return null
    try {
      const { digest } = readRoots(rootsFile)
      const basic = user === null || password === null ? null : { user, password }
      return { name, url, rootsFile, rootsDigest: digest, policy: this.#find(`${path}.policy`), basic }
    } catch (error) {
      if (!(error instanceof SealtrailError)) throw error
      this.#mistake(`${path}.roots`, `${path}.roots: ${error.message}`)
      return null
    }
  }

  #tls(): Config['tls'] {
    const certFile = this.#find<string>('tls.cert')
    const keyFile = this.#find<string>('tls.key')
    if (certFile === null && keyFile === null) return null
    if (certFile !== null && keyFile !== null) return { certFile, keyFile }
    this.#mistake('tls', `tls.${certFile === null ? 'cert' : 'key'} is missing: both are needed`)
    return null
  }

  #trails(): Record<string, TrailConfig> {
    const trails: Record<string, TrailConfig> = {}
    const written = this.#written.names('trails')
    for (const name of new Set([...Object.keys(BUILT_IN_TRAILS), ...written.keys()])) {
      if (written.get(name) !== false) trails[name] = this.#trail(name)
    }
    if (Object.keys(trails).length === 0) this.#mistake('trails', 'trails: at least one is needed')
    return trails
  }

  #trail(name: string): TrailConfig {
    const at = (key: string): string => `trails.${name}.${key}`
    const sequence = {
      settleMs: this.#get<number>(at('sequence.settle')),
      quietMs: this.#get<number>(at('sequence.quiet')),
      holdMs: this.#get<number>(at('sequence.hold')),
    }
    if (sequence.settleMs > sequence.quietMs || sequence.quietMs > sequence.holdMs)
      this.#mistake(at('sequence'), `${at('sequence')}: settle is at most quiet, and quiet at most hold`)
    const periodMs = this.#get<number>(at('retain.period'))
    if (periodMs <= 0) this.#mistake(at('retain.period'), `${at('retain.period')}: must be longer than nothing`)
    const tiers = readTiers(name, periodMs, this.#keys())
    const eventTypes = this.#find<string[]>(at('subscription.eventTypes'))
    this.#destination(at('subscription'))
    const packs = this.#packs(name)
    return {
      name,
      packs,
      filter: both(this.#find(at('filter')), this.#find(at('subscription.filterExpression'))),
      map: this.#find(at('map')),
      subscription: eventTypes === null ? null : { eventTypes },
      sequence,
      protect: readProtect(name, packs, this.#keys(), (path, message) => this.warnings.push({ code: 'CONFIG_INVALID', ...this.#place(path), message })),
      retain: {
        mode: this.#get(at('retain.mode')),
        periodMs,
        ...tiers,
        content: readContentDuty(at('retain.content'), tiers.detailMs ?? periodMs, periodMs, this.#keys()),
        classes: readClasses(name, this.#get('tenant'), this.#written.names(at('retain.classes')), this.#keys()),
      },
      public: this.#get(at('public')),
    }
  }

  #packs(trail: string): string[] {
    const path = `trails.${trail}.pack`
    const built = BUILT_IN_TRAILS[trail]
    const names = this.#find<string[]>(path) ?? (built === undefined ? [] : [built])
    if (names.length === 0) this.#mistake(`trails.${trail}`, `${path} is missing: only ${Object.keys(BUILT_IN_TRAILS).join(' and ')} have one of their own`)
    return names.map((name) => {
      const folder = [builtInPack(name), resolve(this.#folder, name)].find((each) => each !== null && existsSync(resolve(each, 'pack.yaml')))
      if (folder === undefined || folder === null) this.#mistake(path, `${path}: there is no built-in pack and no folder with a pack.yaml of this name`)
      return folder ?? name
    })
  }

  #destination(path: string): void {
    const type = this.#find<string>(`${path}.destinationType`)
    const id = this.#find<string>(`${path}.destinationId`)
    if (type === null && id === null) return
    const at = this.#written.places.get(`${path}.destinationId`) ?? this.#written.places.get(`${path}.destinationType`) ?? { line: 0, column: 0 }
    const ignored = `${path}: the destination is ignored, events are sealed here`
    const wrong = correctDestination(type, id)
    this.warnings.push({ code: wrong?.code ?? 'CONFIG_INVALID', ...at, message: wrong === null ? ignored : `${ignored}; besides, ${wrong.message}` })
  }

  /** What is written, for the parts that read their own keys. */
  #keys(): StoreReading {
    return { find: (path) => this.#find(path), get: (path) => this.#get(path), mistake: (path, message) => this.#mistake(path, message) }
  }

  /** The value written, or null. */
  #find<T>(path: string): T | null {
    return (this.#written.values.get(path) as T | undefined) ?? null
  }

  /** The value written, or its default. */
  #get<T>(path: string): T {
    return this.#find<T>(path) ?? (defaultOf(path, this.#options) as T)
  }

  #mistake(path: string, message: string): void {
    this.mistakes.push({ code: 'CONFIG_INVALID', ...this.#place(path), message })
  }

  #place(path: string): { readonly line: number; readonly column: number } {
    return this.#written.places.get(path) ?? { line: 1, column: 1 }
  }
}

/** The default of a concrete path, taken the way a written value is. */
function defaultOf(path: string, { cwd, env }: LoadOptions): unknown {
  const key = KEYS.find((each) => matches(each, path))
  if (key === undefined || key.default === '') throw new Error(`no default for ${path}`)
  const taken = takeValue(key.default, key.type, { folder: cwd, env })
  if ('message' in taken) throw new Error(`the default of ${path} is not valid: ${taken.message}`)
  return taken.value
}

function matches(key: Key, path: string): boolean {
  const parts = path.split('.')
  const wanted = key.path.split('.')
  return parts.length === wanted.length && wanted.every((part, i) => part === '*' || part === parts[i])
}

function both(a: string | null, b: string | null): string | null {
  return a !== null && b !== null ? `(${a}) && (${b})` : (a ?? b)
}

/** Folder of a built-in pack, beside the published package or in the checkout; null for a name that is a path. */
function builtInPack(name: string): string | null {
  if (!/^[a-z0-9-]+$/.test(name)) return null
  const folders = ['../../packs/', '../../../../packs/'].map((up) => fileURLToPath(new URL(up + name, import.meta.url)))
  return folders.find((folder) => existsSync(folder)) ?? null
}
