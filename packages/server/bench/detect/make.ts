// Numbers of our own making: check digits put to what is written here, so that no real account or card is in the corpus.

/** Digits with the check digit that ISO/IEC 7812-1 asks for (Luhn) put behind them. */
export function cardOf(digits: string): string {
  let sum = 0
  for (let i = digits.length - 1, double = true; i >= 0; i--, double = !double) {
    const digit = Number(digits[i])
    sum += double ? (digit > 4 ? digit * 2 - 9 : digit * 2) : digit
  }
  return digits + ((10 - (sum % 10)) % 10)
}

/** An IBAN with right check digits (ISO 7064 MOD 97-10) for a country and what follows. */
export function ibanOf(country: string, rest: string): string {
  const text = rest + country + '00'
  const number = BigInt([...text].map((char) => parseInt(char, 36)).join(''))
  return country + String(98n - (number % 97n)).padStart(2, '0') + rest
}

/** A text in pieces of these lengths. */
export function cut(text: string, ...lengths: readonly number[]): string[] {
  let at = 0
  return lengths.map((length) => text.slice(at, (at += length)))
}

/** A text cut in two and three at every place. */
export function everyCut(text: string): string[][] {
  const out: string[][] = []
  for (let i = 1; i < text.length; i++) {
    out.push([text.slice(0, i), text.slice(i)])
    for (let j = i + 1; j < text.length; j++) out.push([text.slice(0, i), text.slice(i, j), text.slice(j)])
  }
  return out
}
