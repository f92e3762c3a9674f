/**
 * What follows country and check digits, by country: counts of digits (n), capitals (a) and either (c), as in SWIFT's IBAN
 * registry, release 100 (ISO 13616-1). Territories use the code of the country they bank in.
 */
const REGISTRY =
  'AD 8n12c, AE 19n, AL 8n16c, AT 16n, AZ 4a20c, BA 16n, BE 12n, BG 4a6n8c, BH 4a14c, BI 23n, BR 23n1a1c, BY 4c4n16c, CH 5n12c, CR 18n, CY 8n16c, CZ 20n, ' +
  'DE 18n, DJ 23n, DK 14n, DO 4c20n, EE 16n, EG 25n, ES 20n, FI 14n, FK 2a12n, FO 14n, FR 10n11c2n, GB 4a14n, GE 2a16n, GI 4a15c, GL 14n, GR 7n16c, ' +
  'GT 24c, HN 4a20n, HR 17n, HU 24n, IE 4a14n, IL 19n, IQ 4a15n, IS 22n, IT 1a10n12c, JO 4a4n18c, KW 4a22c, KZ 3n13c, LB 4n20c, LC 4a24c, LI 5n12c, ' +
  'LT 16n, LU 3n13c, LV 4a13c, LY 21n, MC 10n11c2n, MD 20c, ME 18n, MK 3n10c2n, MN 16n, MR 23n, MT 4a5n18c, MU 4a19n3a, NI 4a20n, NL 4a10n, NO 11n, ' +
  'OM 3n16c, PK 4a16c, PL 24n, PS 4a21c, PT 21n, QA 4a21c, RO 4a16c, RS 18n, RU 14n15c, SA 2n18c, SC 4a20n3a, SD 14n, SE 20n, SI 15n, SK 20n, ' +
  'SM 1a10n12c, SO 19n, ST 21n, SV 4a20n, TL 19n, TN 20n, TR 6n16c, UA 6n19c, VA 18n, VG 4a16n, XK 16n, YE 4a4n18c'

interface Form {
  /** Characters in all, country and check digits counted. */
  readonly length: number
  readonly rest: RegExp
}

const FORMS: ReadonlyMap<string, Form> = new Map(
  REGISTRY.split(', ').map((line) => {
    const parts = [...line.slice(3).matchAll(/(\d+)([nac])/g)]
    const rest = parts.map(([, count, kind]) => `${kind === 'n' ? '\\d' : kind === 'a' ? '[A-Z]' : '[A-Z\\d]'}{${count}}`).join('')
    return [line.slice(0, 2), { length: 4 + parts.reduce((sum, [, count]) => sum + Number(count), 0), rest: new RegExp(`^${rest}$`) }]
  }),
)

/** Country and check digits, at the start of a word or behind the word IBAN. */
const START = /(?<![a-z0-9])(?:iban)?([a-z]{2}) ?(?=\d ?\d)/gi
const MAX_GAP = 2

/** How many characters the IBAN of a country has, or undefined when none has. */
export function ibanLength(country: string): number | undefined {
  return FORMS.get(country.toUpperCase())?.length
}

/** Whether letters and digits are an IBAN: its country's length and form, and right check digits (ISO 7064 MOD 97-10). */
export function isIban(text: string): boolean {
  const iban = text.toUpperCase()
  const form = FORMS.get(iban.slice(0, 2))
  if (form === undefined || iban.length !== form.length || !/^\d\d$/.test(iban.slice(2, 4)) || !form.rest.test(iban.slice(4))) return false
  let rest = 0
  for (let i = 0; i < iban.length; i++) {
    const code = iban.charCodeAt((i + 4) % iban.length)
    rest = code < 58 ? (rest * 10 + code - 48) % 97 : (rest * 100 + code - 55) % 97
  }
  return rest === 1
}

/**
 * Whether a text (ASCII digits) holds an IBAN, in either case, plain or in groups apart by up to two of space, dash, dot,
 * slash or underscore. Linear: behind each start no more than the country's length is looked at.
 */
export function hasIban(text: string): boolean {
  for (const match of text.matchAll(START)) {
    const country = match[1] as string
    const length = ibanLength(country)
    if (length !== undefined && isIban(country + taken(text, match.index + match[0].length, length - 2))) return true
  }
  return false
}

/** The next `count` letters and digits from a place, over gaps; fewer when something else is there, or more of them follow. */
function taken(text: string, from: number, count: number): string {
  let out = ''
  let gap = 0
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (isLetterOrDigit(code)) {
      if (out.length === count) return gap > 0 ? out : ''
      out += text[i]
      gap = 0
    } else if (++gap > MAX_GAP || !' -./_\t\r\n'.includes(text[i] as string)) break
    else if (out.length === count) break
  }
  return out
}

function isLetterOrDigit(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122)
}
