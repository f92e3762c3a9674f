import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detect } from '../../src/protect/detect.ts'
import { hasIban, ibanLength, isIban } from '../../src/protect/ibans.ts'
import { ibanOf } from '../../bench/detect/make.ts'

const COUNTRIES =
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'.split(
    ' ',
  )

test('every country of the registry has its length', () => {
  assert.equal(COUNTRIES.length, 89)
  for (const each of COUNTRIES) assert.equal(ibanLength(each.slice(0, 2)), Number(each.slice(2)), each)
  for (const none of ['US', 'CA', 'AU', 'ZZ', 'de1', '']) assert.equal(ibanLength(none), undefined)
})

test('every character of an IBAN matters, and so does its length', () => {
  for (const iban of [ibanOf('DE', '370400440532013000'), ibanOf('GB', 'NWBK60161331926819'), ibanOf('NO', '86011117947')]) {
    assert.ok(isIban(iban) && hasIban(iban), iban)
    for (let at = 0; at < iban.length; at++) {
      for (const char of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ') {
        const changed = iban.slice(0, at) + char + iban.slice(at + 1)
        // Of 97 countries in the place of one, one may fit: no other character may.
        if (changed !== iban && at > 1) assert.ok(!isIban(changed), changed)
      }
      assert.ok(!hasIban(iban.slice(0, at) + iban.slice(at + 1)))
      assert.ok(!hasIban(iban.slice(0, at)))
    }
    for (const more of ['0', 'A']) assert.ok(!hasIban(iban + more) && !hasIban('X' + iban), 'within a longer word it is none')
  }
})

test('in any dress, and in the middle of a text', () => {
  for (const text of [
    'DE89 3704 0044 0532 0130 00',
    'de89370400440532013000',
    'DE89-3704-0044-0532-0130-00',
    'IBANDE89370400440532013000',
    'ＤＥ８９３７０４００４４０５３２０１３０００',
    'DE89\u200b370400440532013000',
    'DE 89 370400440532013000',
  ])
    for (const around of [text, `(${text})`, `pay to ${text}, please`, `${text} 2 days from today`]) assert.equal(detect(around, 'note'), 'iban', around)
  for (const text of [
    'DE89 3704 0044 0532 0130',
    'US89370400440532013000',
    'DE00370400440532013000',
    'DE8937040044053201300O',
    'de893704004405320130001234567890abcdef',
  ])
    assert.notEqual(detect(text, 'note'), 'iban', text)
})
