import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '../../src/event/json.ts'
import { sensitiveFields } from '../../src/protect/sensitive.ts'
import { sensitiveInput } from '../../src/protect/sensitive-input.ts'

/** Events that must be refused, and the fields named. */
const REFUSED: ReadonlyArray<readonly [value: JsonValue, fields: readonly string[]]> = [
  [{ cvv: '123' }, ['cvv']],
  [{ cvv2: 123 }, ['cvv2']],
  [{ CVC: '1234' }, ['CVC']],
  [{ cvc2: '012' }, ['cvc2']],
  [{ cardCvv: '123' }, ['cardCvv']],
  [{ 'Customer CVV Number': '1 2 3' }, ['Customer CVV Number']],
  [{ ivr_cvv_entered: '123' }, ['ivr_cvv_entered']],
  [{ customercvv: '123' }, ['customercvv']],
  [{ securityCode: '987' }, ['securityCode']],
  [{ security_code: '9876' }, ['security_code']],
  [{ card_verification_value: '987' }, ['card_verification_value']],
  [{ cardVerificationCode: 987 }, ['cardVerificationCode']],
  [{ 'card-security-code': '987' }, ['card-security-code']],
  [{ Kartenprüfnummer: '987' }, ['Kartenprüfnummer']],
  [{ cvv: 'one two three' }, ['cvv']],
  [{ cvv: ['1', '2', '3'] }, ['cvv']],
  [{ cvv: { value: '123' } }, ['cvv']],
  [{ cvv: { encrypted: 'pXz9sQ0mZ8KfW2LrT4vB7w==' } }, ['cvv']],
  [{ cvv: '١٢٣' }, ['cvv']],
  [{ ｃｖｖ: '123' }, ['ｃｖｖ']],
  [{ participant: { attributes: { 'context.cvv': '123' } } }, ['participant.attributes.context.cvv']],
  [{ card: { number: '4111111111111111', cid: '1234' } }, ['card.cid']],
  [{ payment: { creditCard: { code: '123', expiry: '12/29' } } }, ['payment.creditCard.code']],
  [{ pan: '4111111111111111', csc: '123' }, ['csc']],
  [{ n: '4111 1111 1111 1111', cid: '123' }, ['cid']],
  [{ amexCid: '1234' }, ['amexCid']],
  [{ cardCode: '123' }, ['cardCode']],
  [{ track1: 'B4111111111111111^DOE/JANE^2912101000000000' }, ['track1']],
  [{ Track2: '4111111111111111=29121010000000000' }, ['Track2']],
  [{ trackData: 'A1B2C3D4E5F60718293A4B5C' }, ['trackData']],
  [{ track_2_data: ';4111111111111111=2912101?' }, ['track_2_data']],
  [{ magneticStripe: '%B4111111111111111^DOE/JANE^2912101?' }, ['magneticStripe']],
  [{ note: 'read %B4111111111111111^DOE/JANE^29121010000000000000? from reader' }, ['note']],
  [{ note: ';4111111111111111=29121010000000000?' }, ['note']],
  [{ note: 'x 4111111111111111D29121010000000000F' }, ['note']],
  [{ pin: '1234' }, ['pin']],
  [{ PIN: 1234 }, ['PIN']],
  [{ pin: 123 }, ['pin']],
  [{ pin_code: '12345' }, ['pin_code']],
  [{ pinCode: '123456' }, ['pinCode']],
  [{ customerPin: '9876#' }, ['customerPin']],
  [{ atm_pin: '1-2-3-4' }, ['atm_pin']],
  [{ userpin: '9876' }, ['userpin']],
  [{ pin: ['1', '2', '3', '4'] }, ['pin']],
  [{ pin: { digits: '1234', valid: true } }, ['pin']],
  [{ pinBlock: '041234FFFFFFFFFF' }, ['pinBlock']],
  [{ encryptedPinBlock: 'A1B2C3D4E5F60718' }, ['encryptedPinBlock']],
  [{ attributes: [{ name: 'cvv', value: '123' }] }, ['attributes[].value(cvv)']],
  [{ key: 'Card PIN', value: 1234 }, ['value(Card PIN)']],
  [
    {
      fields: [
        { label: 'CVV2', text: '123' },
        { label: 'Name', text: 'x' },
      ],
    },
    ['fields[].text(CVV2)'],
  ],
  [{ slots: [{ slotName: 'securityCode', stringValue: '123' }] }, ['slots[].stringValue(securityCode)']],
  [{ question: 'Please enter your PIN', answer: '1234' }, ['answer(Please enter your PIN)']],
  [
    {
      pairs: [
        ['cvv', '123'],
        ['name', 'x'],
      ],
    },
    ['pairs[][1]'],
  ],
  [{ body: '{"payment":{"cvv":"123"}}' }, ['body']],
  [{ body: '{"x":[{"pin":"1234"}]}' }, ['body.x[].pin']],
  [{ body: 'my cvv is 123' }, ['body']],
  [{ body: 'CVV: 1234, thanks' }, ['body']],
  [{ body: 'the card security code is 987.' }, ['body']],
  [{ body: 'My PIN is 4321 ok' }, ['body']],
  [{ a: [{ b: [{ c: { cvv: '123' } }] }] }, ['a[].b[].c.cvv']],
]

/** Events that look like it and must be kept. */
const KEPT: readonly JsonValue[] = [
  { cvv: null, cvc: '', securityCode: false, pin: true, track1: null },
  { cvv: '***', cvc: 'XXX', pin: '****', securityCode: '\u2022\u2022\u2022' },
  { cvvResult: 'M', cvvResponseCode: '200', cvc_check: 'pass', cvvMatched: true, cvvStatus: '100', cvvVerified: 'Y', cvvProvided: 'yes' },
  { cvv: 'Y' },
  { cvv: 'matched' },
  {
    shipping: '1234',
    spinner: 1234,
    opinion: '1234',
    mapping: '12345',
    pinned: 12345,
    pinnedAt: '2026',
    spin: '1234',
    typing: '1234',
    happiness: 1234,
    pingMs: 1234,
  },
  { cid: '39fa1bbe-5d47-4b6b-8ca9-6976cd87d85f' },
  { cid: '1234' },
  { cid: 4321, conversationCid: '1234' },
  { code: '404', error: { code: '123' } },
  { card: { title: 'Offer', actions: [{ type: 'link', code: 'promo' }] } },
  { cards: [{ cid: 'offer-1234' }] },
  {
    trackingNumber: '1Z999AA10123456784',
    trackId: '12345678',
    tracking: { id: '12345678' },
    trackName: 'Track1',
    soundtrack: '12345678',
    audioTracks: ['1', '2'],
  },
  { pinAttempts: 3, pinLength: '4', pinStatus: 'verified', pinRequired: true, pinVerified: true, pinPoint: '1234', pinColor: '1234' },
  { pin: { lat: 41.8781, lng: -87.6298 } },
  { pin: 5, gpioPin: 'D4' },
  { address: { street: 'MG Road', city: 'Bengaluru', pinCode: '560001' } },
  { pincode: 560001, state: 'KA', city: 'Bengaluru' },
  { name: 'pin', value: 'verified' },
  { name: 'cvv', value: 'required' },
  { fields: ['cvv', 'pin'], required: [['cvv', 'pin']] },
  { name: 'shipping', value: '1234' },
  { key: 'opinion', value: 12345 },
  { securityContext: '1234', security: { level: '1234' }, verification: '1234', verificationCode: '1234', authCode: '123456' },
  { body: 'Your parcel 1234 is spinning in shipping' },
  { body: 'My opinion is 1234 and pin 3 of the connector is 5 V' },
  { body: 'PIN code 560001 Bengaluru' },
  { body: 'Your verification code is 4821' },
  { body: 'Do not send us your CVV or PIN' },
  { body: 'CVV2 mismatch on 2026-11-20' },
  { body: 'x^2 + y^2 = 12345678901234' },
  { query: 'a=1;b=2;123=456' },
  { url: 'https://example.com/?id=1795183331204&from=2026112000' },
  { text: 'regex ^[0-9]+$ and 10^12' },
  { version: '2', icvs: 'x', scvcount: 3, svcVersion: '123' },
]

test('card security codes, track data and PINs are refused, the fields named', () => {
  const wrong: string[] = []
  for (const [value, fields] of REFUSED) {
    const found = sensitiveFields(value)
    if (JSON.stringify(found) !== JSON.stringify(fields)) wrong.push(`${JSON.stringify(value)}: ${JSON.stringify(found)}`)
  }
  assert.deepEqual(wrong, [])
})

test('what only looks like it is kept', () => {
  const wrong: string[] = []
  for (const value of KEPT) {
    const found = sensitiveFields(value)
    if (found.length > 0) wrong.push(`${JSON.stringify(value)}: ${JSON.stringify(found)}`)
  }
  assert.deepEqual(wrong, [])
})

test('the scan of the bytes lets no event off that the walk would refuse', () => {
  for (const [value, fields] of REFUSED) {
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2), escaped(value), JSON.stringify({ deep: [[value]] })]) {
      assert.deepEqual(sensitiveFields(JSON.parse(text) as JsonValue, Buffer.from(text)).length, fields.length, text)
    }
  }
})

/** The same JSON with every letter of a key escaped. */
function escaped(value: JsonValue): string {
  return JSON.stringify(value).replace(
    /"((?:[^"\\]|\\.)*)":/g,
    (_, key: string) => `"${[...key].map((char) => '\\u' + (char.codePointAt(0) as number).toString(16).padStart(4, '0')).join('')}":`,
  )
}

test('a refusal never repeats a value, not even one that stands in a name', () => {
  const found = sensitiveFields({ 'cvv of 4111111111111111': '123', a: { 'jane@example.com': { cvv: '123' } } })
  assert.equal(found.length, 2)
  for (const text of ['4111', 'jane', '123']) assert.ok(!found.join().includes(text), found.join())
})

test('deep data is walked to the end or refused, and never overflows', () => {
  const nest = (depth: number): JsonValue => JSON.parse('{"a":['.repeat(depth) + '{"cvv":"123"}' + ']}'.repeat(depth)) as JsonValue
  for (const depth of [1, 50, 99, 500, 2000]) assert.equal(sensitiveFields(nest(depth)).length, 1, String(depth))
})

test('input that is not I-JSON, or no JSON, is searched as text', () => {
  const refused = [
    '{"cvv":"123","cvv":null}',
    '{"a":1,"cardCvv": 123, "n":12345678901234567890',
    '{"\\u0063vv":"123","x":1,"x":2}',
    'number=4111111111111111&cvv=123&exp=1229',
    '<card number="4111111111111111" cvv2="123"/>',
    "{'pin': '1234'}",
    'PIN: 1234',
    'track2 = ;4111111111111111=2912101?',
    '%B4111111111111111^DOE/JANE^2912101000?',
    'security_code => 987',
  ]
  for (const text of refused) assert.ok(sensitiveInput(null, Buffer.from(text)).length > 0, text)
  const kept = [
    '',
    'hello',
    '{"a":1,"a":2}',
    'cvv=&pin=***',
    'shipping=1234&spin=1234',
    '<opinion n="1234"/>',
    '{"cvvResult":"200","x":1,"x":2}',
    'code=123',
    '{"pinAttempts": 3333, "pinAttempts": 4444}',
    '\xff\xfe\x00',
  ]
  for (const text of kept) assert.deepEqual(sensitiveInput(null, Buffer.from(text, 'latin1')), [], text)
  for (const [value, fields] of REFUSED) assert.deepEqual(sensitiveInput(value, Buffer.from(JSON.stringify(value))), fields)
  for (const text of ['a:'.repeat(50_000), 'a '.repeat(50_000), '"'.repeat(100_000), 'a=1 '.repeat(25_000), 'pin='.repeat(25_000)]) {
    const start = process.threadCpuUsage()
    sensitiveInput(null, Buffer.from(text))
    const { user, system } = process.threadCpuUsage(start)
    assert.ok(user + system < 1_000_000, text.slice(0, 10))
  }
})
