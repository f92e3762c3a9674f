// Decimal digits of every script, so that a number written in another one is found all the same.

let zeros: number[] | undefined

/**
 * The text with every Unicode decimal digit (category Nd), dash, space, plus and at sign as ASCII, compatibility forms such
 * as circled digits and full-width letters plain (NFKC), and without characters that are not seen (category Cf, keycaps).
 */
export function asciiDigits(text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return text
  return text
    .normalize('NFKC')
    .replace(/[\p{Cf}\ufe0f\u20e3]/gu, '')
    .replace(/\p{Nd}|\p{Pd}|\p{Zs}|[\u2212\uff0b\uff20\ufe6b]/gu, (char) => {
      if (/\p{Nd}/u.test(char)) return digitOf(char.codePointAt(0) as number)
      if (/\p{Zs}/u.test(char)) return ' '
      return char === '\uff0b' ? '+' : char === '\uff20' || char === '\ufe6b' ? '@' : '-'
    })
}

function digitOf(point: number): string {
  if (point < 0x80) return String.fromCodePoint(point)
  zeros ??= findZeros()
  let low = 0
  let high = zeros.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((zeros[middle] as number) <= point) low = middle
    else high = middle - 1
  }
  return String((point - (zeros[low] as number)) % 10)
}

/** Code points of the digits zero: Unicode keeps each script's ten digits together, in order (UAX #44, General_Category Nd). */
function findZeros(): number[] {
  const found: number[] = []
  let before = false
  for (let point = 0; point < 0x20000; point++) {
    const digit = (point < 0xd800 || point > 0xdfff) && /\p{Nd}/u.test(String.fromCodePoint(point))
    if (digit && !before) found.push(point)
    before = digit
  }
  return found
}
