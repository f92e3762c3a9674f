/** What a field's name says its value may be. */
export type Suspicion =
  /** A card security code, whatever surrounds it. */
  | 'code'
  /** A security code only when three or four digits stand in it. */
  | 'loose-code'
  /** A security code when it is three or four digits beside a card (`cid`, `code`). */
  | 'card-code'
  | 'track'
  | 'pin'
  /** A PIN unless it is an Indian postal code (six digits in an address). */
  | 'pin-code'
  | 'pin-block'

export interface NameVerdict {
  readonly suspicion: Suspicion | null
  /** The name speaks of a payment card: fields beside and below are read in that light. */
  readonly card: boolean
  /** The name speaks of a postal address. */
  readonly address: boolean
  /** The name speaks of keys that were pressed: what stands under it was entered, one entry after the other. */
  readonly keyed: boolean
}

const HARMLESS: NameVerdict = { suspicion: null, card: false, address: false, keyed: false }
const CACHE_SIZE = 8192
const MAX_NAME = 64

/** Words that turn a name into one about the outcome of a check, which is no sensitive data itself (`cvvResult`, `pinAttempts`). */
const ABOUT = new Set(
  'result results response responses check checked checks match matched status present presence indicator verified verify valid validated validation required enabled attempts attempt tries retries retry count length len type requested prompt prompted supported masked redacted error errors failed failure reason message flag missing mode method label policy avs timeout name id'.split(
    ' ',
  ),
)
/** Words after which a security code is sought only by its digits. */
const PERHAPS = new Set('provided entered captured collected input received given at time is has'.split(' '))
const CODES = new Set('cvv cvv2 cvc cvc2 cvn2 cvd2 cav2 cvvs icvv cvvcode cvccode'.split(' '))
const CARD_CODES = new Set(
  'cid csc cvd cvn cvp cav cve cid2 csc2 code verification verificationcode verificationnumber securitynumber security validationcode securitydigits'.split(
    ' ',
  ),
)
const CODE_PHRASES =
  /cvv|cvc2|cvccode|cardcvc|securitycode|cardsecurity(?:code|number|value|digits)|cardverification(?:code|number|value|digits)|cardvalidation(?:code|value|number)|cardauthenticationvalue|cardidentification(?:number|code)|verificationvalue|signaturepanelcode|kartenprufnummer|kartenprufziffer|sicherheitscode|cryptogramme|codigodeseguridad|codigoseguridad|codedesecurite|codesecurite|codicedisicurezza|codigodeseguranca/
const TRACK_PHRASES =
  /track(?:data|[123]data|equivalent)|^(?:card|emv|magnetic|mag|msr|full|raw)?track[123](?:data|equivalent|equivalentdata)?$|^track(?:one|two|three|i|ii|iii)(?:data)?$|magstripe|magneticstripe|magstrip|swipedata|msrdata|^chipdata$/
const PIN_MERGED =
  /^(?:(?:card|debit|credit|atm|user|customer|caller|account|entered|bank|new|old|my|secret|access|encrypted|clear|ivr|phone|telephone|upi|m|t|e|i|tele)?pin(?:code|number|no|num|value|data|digits|entered|input|block)?)$/
const PIN_OTHERS = new Set(
  'code number no num nr block value data digits digit entered enter input encrypted enc clear plain card debit credit atm bank banking customer cust user caller account acct access secret personal identification ivr dtmf new old current confirm confirmed re reenter my your the please kindly type telephone tele phone upi verification auth authentication hash hashed offset test last first original security voice var str txt attr context flow in question what is s 1 2 4 5 6 four six'.split(
    ' ',
  ),
)
const CARD_WORDS = new Set(
  'card cards creditcard debitcard paymentcard cardnumber cardno pan primaryaccountnumber ccnumber ccnum ccno amex mastercard'.split(' '),
)
const CARD_PHRASES =
  /creditcard|debitcard|paymentcard|cardnumber|cardexp|cardholder|ccnumber|ccexp|expirydate|expirationdate|expdate|expmonth|expyear|expirymonth|expiryyear|expirationmonth|expirationyear|^expiry$|^expiration$|^exp$|^primaryaccountnumber$/
const ADDRESS_WORDS = new Set('address addr postal zip street city state district country village town locality'.split(' '))

/** `dtmf`, `collectedDigits`, `keysPressed`; not `lastFourDigits`, which are shown, not entered. */
const KEYED_PHRASES =
  /dtmf|keypress|keyspressed|pressedkeys|keypad|keyedin|(?:collected|entered|pressed|input|caller|user|customer|menu|ivr)digits|^digits?(?:collected|entered|pressed)?$|^(?:user|caller|menu|ivr)(?:input|entry)$/

const SAYABLE = new Set([...PERHAPS, ...CODES, ...CARD_CODES, ...PIN_OTHERS, ...CARD_WORDS, ...ADDRESS_WORDS, 'pin', 'track', 'stripe', 'magnetic', 'of'])

let cache = new Map<string, NameVerdict>()

/** What a name says; names longer than 64 characters say nothing. Remembers what it has seen, in bounded memory. */
export function judgeName(name: string): NameVerdict {
  const known = cache.get(name)
  if (known !== undefined) return known
  if (name.length > MAX_NAME) return HARMLESS
  // Attacker: senders choose names; dropping the whole cache bounds it.
  if (cache.size >= CACHE_SIZE) cache = new Map()
  const verdict = judge(name)
  cache.set(name, verdict)
  return verdict
}

/** A name as a message may show it: of one with spaces, which may be prose, only the words that say what it is. */
export function sayable(name: string): string {
  return /\s/.test(name)
    ? name
        .split(/\s+/)
        .map((word) => (SAYABLE.has(word.toLowerCase()) ? word : '…'))
        .join(' ')
    : name
}

/** The words of a name in any of the usual spellings: `cardCVV2`, `card_cvv_2`, `Card CVV 2`. */
function split(name: string): string[] {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '')
  return (plain.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+/g) ?? []).map((word) => word.toLowerCase())
}

function judge(name: string): NameVerdict {
  const words = split(name)
  if (words.length === 0) return HARMLESS
  const joined = words.join('')
  const suspicion = suspect(words, joined)
  const card = words.some((word) => CARD_WORDS.has(word)) || CARD_PHRASES.test(joined)
  const address = words.some((word) => ADDRESS_WORDS.has(word))
  const keyed = KEYED_PHRASES.test(joined.replace(/\d+/g, ''))
  return suspicion === null && !card && !address && !keyed ? HARMLESS : { suspicion, card, address, keyed }
}

function suspect(words: readonly string[], joined: string): Suspicion | null {
  const about = words.some((word) => ABOUT.has(word)) && !/cvv2?$|cvc2?$/.test(joined)
  if (words.some((word) => CODES.has(word)) || CODE_PHRASES.test(joined)) {
    if (about) return null
    return words.some((word) => PERHAPS.has(word)) ? 'loose-code' : 'code'
  }
  if (TRACK_PHRASES.test(joined)) return about ? null : 'track'
  const pin = suspectPin(words, joined)
  if (pin !== null) return about && !/pin$/.test(joined) ? null : pin
  if (CARD_CODES.has(joined)) return 'card-code'
  // `cardCid`, `amexCid`, `card_code`: the name is its own context.
  const last = words.at(-1) as string
  if (words.length > 1 && words.some((word) => CARD_WORDS.has(word)) && CARD_CODES.has(last)) return 'loose-code'
  return null
}

function suspectPin(words: readonly string[], joined: string): Suspicion | null {
  const whole = words.includes('pin') && words.every((word) => word === 'pin' || PIN_OTHERS.has(word))
  if (!whole && !PIN_MERGED.test(joined)) return null
  if (joined.endsWith('block') || words.includes('encrypted') || words.includes('hash') || words.includes('hashed')) return 'pin-block'
  return joined === 'pincode' ? 'pin-code' : 'pin'
}
