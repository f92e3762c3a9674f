import { readdirSync } from 'node:fs'
import { relative, resolve } from 'node:path'

/** The root of the checkout. */
export const root: string = resolve(import.meta.dirname, '..')

/** TypeScript files under a folder of the checkout, as paths from its root. */
export function sources(folder: string): string[] {
  return readdirSync(resolve(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, `${entry.parentPath}/${entry.name}`).replaceAll('\\', '/'))
    .sort()
}
