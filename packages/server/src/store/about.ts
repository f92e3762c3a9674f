import type { About } from './store.ts'

/** Platforms take 2 KiB (S3) to 8 KiB (Azure, Google) of metadata an object, names included. */
const MAX_CHARACTERS = 600

/**
 * What an object is about, for the platform's metadata: few, short values in printable ASCII, lists parted by spaces. As many
 * members of a list as fit; `...` says that there are more.
 */
export function aboutOf({ format, schemas = [], tags = [] }: About): { format: string; schemas?: string; tags?: string } {
  return { format: ascii(format).slice(0, MAX_CHARACTERS), ...joined('schemas', schemas), ...joined('tags', tags) }
}

function joined<Name extends string>(name: Name, values: readonly string[]): { [name in Name]?: string } {
  let text = ''
  for (const value of values) {
    const next = `${text}${text === '' ? '' : ' '}${ascii(value)}`
    if (next.length > MAX_CHARACTERS - 4) {
      text = `${text} ...`.trim()
      break
    }
    text = next
  }
  return text === '' ? {} : ({ [name]: text } as { [name in Name]?: string })
}

/** attacker: schema URIs and tags come from packs and senders; a header holds no line end, and a space would part one value in two. */
function ascii(text: string): string {
  return text.replaceAll(/[^!-$&-~]/gu, (character) => encodeURIComponent(character.isWellFormed() ? character : '\uFFFD'))
}
