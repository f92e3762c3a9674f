// Adds to package-lock.json what `npm install` leaves out when a registry does not offer an optional platform package: an
// entry without integrity, for a machine other than the one it ran on. Without it `npm ci` calls the lock file out of step.
// Run it after every change of the lock: `node scripts/complete-lock.ts`.
import { readFileSync, writeFileSync } from 'node:fs'

interface Entry {
  version?: string
  dev?: boolean
  optionalDependencies?: Record<string, string>
  [member: string]: unknown
}

const CPUS = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el']
const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32', 'netbsd', 'openbsd', 'sunos', 'aix']

/** The entries missing from a lock file's `packages`, by their keys. */
export function missingEntries(packages: Readonly<Record<string, Entry>>): Record<string, Entry> {
  const missing: Record<string, Entry> = {}
  for (const [key, { optionalDependencies, dev }] of Object.entries(packages)) {
    if (!key.startsWith('node_modules/')) continue
    for (const [name, version] of Object.entries(optionalDependencies ?? {})) {
      const at = `node_modules/${name}`
      if (packages[at] !== undefined || packages[`${key}/${at}`] !== undefined) continue
      const words = name.split(/[/-]/)
      const system = SYSTEMS.find((each) => words.includes(each))
      const cpu = CPUS.find((each) => words.includes(each))
      if (system === undefined || cpu === undefined || !/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${name}@${version} names no platform`)
      const libc = system !== 'linux' ? {} : { libc: [/musl/.test(name) ? 'musl' : 'glibc'] }
      missing[at] = { version, cpu: [cpu], ...(dev === true ? { dev } : {}), license: 'MIT', optional: true, os: [system], ...libc }
    }
  }
  return missing
}

if (import.meta.main) {
  const path = new URL('../package-lock.json', import.meta.url)
  const lock = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, Entry> }
  const missing = missingEntries(lock.packages)
  lock.packages = Object.fromEntries(Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => (a < b ? -1 : 1)))
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(`${Object.keys(missing).length} entries added`)
}
