/** What Windows-1252 has beyond Latin-1: the fonts every PDF reader brings have these glyphs and no others. */
const BEYOND_LATIN1 = new Set('€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ')

/**
 * A text for a page set in a PDF's standard fonts: a character they lack, or that cannot be seen, is written as its code point.
 * attacker: grounds and names are whatever somebody typed.
 */
export function pageText(text: string): string {
  let shown = ''
  for (const char of text.normalize('NFC')) {
    const code = char.codePointAt(0) as number
    const plain = (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xff && code !== 0xad)
    shown += plain || BEYOND_LATIN1.has(char) ? char : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`
  }
  return shown
}
