// The page customers see, in a real browser, from disk and with the network cut: a good bundle, and one for each kind of forgery.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { SENTENCES } from '../../src/report/sentences.ts'
import { buildPage } from '../../web/build.ts'
import { brought, goodRange, goodSubject, loneProof, world } from '../bundle/examiner.ts'
import { bytesOf as certificateBytes, goodCertificate, recordsErased } from '../certificate/maker.ts'
import { FORGERIES } from '../bundle/forgeries.ts'
import { Desk, examine, noBrowser, told } from './page.ts'
import type { Opened } from './page.ts'

const NOTHING = { keys: [], policy: '', roots: [], asked: {} }

describe('verify.html in Chromium, without a network', { skip: noBrowser }, () => {
  let desk: Desk
  before(async () => {
    desk = await Desk.open(await buildPage())
  })
  after(() => desk?.close())

  test('a good bundle is verified, each question answered, and nothing asked of any network', async () => {
    const { page, strays, close } = await desk.visit()
    for (const bundle of [goodRange(), goodSubject()]) {
      await page.reload()
      await examine(page, brought(), desk.file('good.zip', bundle))
      const { verdict, headline, codes, answers } = await told(page)
      assert.deepEqual([verdict, headline, codes], ['verified', 'Verified', []])
      assert.deepEqual([answers['signer'], answers['time'], answers['records']], ['yes', 'yes', 'yes'])
    }
    assert.equal(page.workers().length, 1, 'the check runs beside the page, which stays usable')
    assert.deepEqual(strays, [])
    await close()
  })

  test('a good bundle before somebody who brings nothing is consistent and no more; a key brought later establishes it', async () => {
    const { page, strays, close } = await desk.visit()
    await examine(page, NOTHING, desk.file('good.zip', goodRange()))
    const before = await told(page)
    assert.deepEqual([before.verdict, before.headline, before.answers['signer']], ['consistent', 'Consistent, signer not established', 'open'])
    assert.doesNotMatch(await page.locator('#report').innerText(), /\bverified\b/i)
    await page.getByLabel('Key of the log').fill(world().log.house.log.vkey)
    await page.locator('#verdict[data-verdict="verified"]').waitFor()
    await page.getByLabel('Key of the log').fill('nonsense')
    await page.getByText('Line 1 is no key').waitFor()
    assert.equal(await page.locator('#verdict').count(), 0, 'no verdict stands beside a key that was not used')
    assert.deepEqual(strays, [])
    await close()
  })

  describe('forgeries', () => {
    let visit: Opened
    before(async () => {
      visit = await desk.visit()
    })
    after(() => visit?.close())
    for (const { id, what, code, make } of FORGERIES) {
      test(`${id}: ${what}`, async () => {
        const { page, strays } = visit
        await page.reload()
        const { bundle, brought: with_ = {} } = make()
        await examine(page, { ...brought(), ...with_ }, desk.file(`${id}.zip`, bundle))
        const { verdict, headline, codes, sentences } = await told(page)
        if (code === null) assert.deepEqual([verdict, headline], ['consistent', 'Consistent, signer not established'])
        else {
          assert.deepEqual([verdict, headline], ['refuted', 'Do not rely on this file'])
          assert.ok(codes.includes(code), codes.join(', '))
          assert.ok(sentences.includes(SENTENCES[code] as string))
        }
        assert.deepEqual(strays, [])
      })
    }
  })

  test('proofs and receipts ask for their record, and are checked with it', async () => {
    const { record, proof, receipt } = loneProof()
    const { page, strays, close } = await desk.visit()
    for (const [name, text] of [
      ['e.tlog-proof', proof],
      ['receipt.json', receipt],
    ] as const) {
      await page.reload()
      await page.getByLabel('Key of the log').fill(world().log.house.log.vkey)
      await page.locator('#file').setInputFiles(desk.file(name, text))
      await page.locator('#report').getByText('Choose the record this proof or receipt is about').waitFor()
      await page.getByLabel('The record it is about').setInputFiles(desk.file('record.json', record))
      await page.locator('#verdict[data-verdict="verified"]').waitFor()
      await page.getByLabel('The record it is about').setInputFiles(desk.file('other.json', world().log.records[9]!.bytes))
      await page.locator('#verdict[data-verdict="refuted"]').waitFor()
    }
    assert.deepEqual(strays, [])
    await close()
  })

  test('a certificate of erasure is told in words, established by the key of a log of the same server', async () => {
    const { house, records } = world().log
    const sound = goodCertificate(house, recordsErased(records.slice(0, 20)))
    for (const width of [1280, 320]) {
      const { page, strays, close } = await desk.visit({ viewport: { width, height: 800 } })
      await examine(page, { ...NOTHING, keys: [house.log.vkey] }, desk.file('certificate.json', certificateBytes(sound)))
      const { verdict, codes, answers } = await told(page)
      assert.deepEqual([verdict, codes, answers['signer'], answers['asked'], answers['erased']], ['verified', [], 'yes', 'yes', 'yes'])
      const text = await page.locator('#report').innerText()
      for (const words of [/“olga” asked for it/, /GDPR Art\. 17\(1\)\(b\)/, /It is not the destruction of a medium/]) assert.match(text, words)
      for (const summary of await page.locator('#report summary').all()) if (await summary.isVisible()) await summary.click()
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)) <= 0, `${width}`)
      await page.reload()
      await examine(
        page,
        { ...NOTHING, keys: [house.log.vkey] },
        desk.file('changed.json', certificateBytes({ ...sound, certificate: { ...sound.certificate, tenant: 'x' } })),
      )
      assert.deepEqual((await told(page)).codes, ['CERTIFICATE_CHANGED'])
      assert.deepEqual(strays, [])
      await close()
    }
  })

  test('records are listed with the states of their fields, found by search, and shown whole in print', async () => {
    const { page, close } = await desk.visit()
    await examine(page, brought(), desk.file('good.zip', goodRange()))
    assert.equal(await page.locator('.record').count(), 40)
    await page.getByLabel('Find a record').fill('+13175551065')
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByText('4 records found').waitFor()
    await page.getByLabel('Find a record').fill('245')
    await page.getByRole('button', { name: 'Find' }).click()
    await page.getByText('1 record found').waitFor()
    await page.locator('.record summary').click()
    const fields = await page.locator('.record tbody tr').allInnerTexts()
    const state = (name: string): string =>
      fields
        .find((row) => row.startsWith(name))
        ?.split(/\s+/)
        .at(-1) ?? ''
    assert.deepEqual([state('agent'), state('caller'), state('email'), state('note'), state('queue')], ['sealed', 'disclosed', 'expired', 'erased', 'clear'])
    await page.emulateMedia({ media: 'print' })
    await page.evaluate(() => globalThis.dispatchEvent(new Event('beforeprint')))
    assert.equal(await page.locator('form#ask').isVisible(), false)
    assert.equal(await page.locator('dl.detail').first().isVisible(), true)
    await close()
  })

  test('no value of a record that is not proven is called the sealed one', async () => {
    const { page, close } = await desk.visit()
    await examine(page, brought(), desk.file('invented.zip', FORGERIES.find(({ id }) => id === 'record-invented')!.make().bundle))
    const wrong = page.locator('.record[data-index="245"]')
    assert.match((await wrong.innerText()).replace(/\s+/g, ' '), /problem/)
    await wrong.locator('summary').click()
    const states = await wrong.locator('.field-state').allInnerTexts()
    assert.ok(!states.includes('disclosed') && !states.includes('in clear') && states.includes('not proven'), states.join())
    assert.doesNotMatch(await page.locator('.legend').innerText(), /value that was sealed/)
    await close()
  })

  test('text of a bundle never becomes markup', async () => {
    const { page, strays, close } = await desk.visit()
    await examine(page, brought(), desk.file('<img src=x onerror=alert(1)>.zip', goodRange()))
    assert.equal(await page.locator('#report img').count(), 0)
    assert.match(await page.locator('#verdict').innerText(), /<img src=x onerror/)
    assert.deepEqual(strays, [])
    await close()
  })

  test('by keyboard alone, every control has a name, and the verdict is announced', async () => {
    const { page, close } = await desk.visit()
    const names: string[] = []
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab')
      names.push(
        await page.evaluate(() => {
          const at = document.activeElement as HTMLInputElement
          return (at.labels?.[0]?.textContent ?? at.getAttribute('aria-label') ?? at.textContent ?? '').trim().replace(/\s+/g, ' ')
        }),
      )
    }
    for (const wanted of [
      /Skip to the result/,
      /Drop an evidence file/,
      /Key of the log/,
      /Witness policy/,
      /Root certificates/,
      /Compare with what you asked for/,
    ])
      assert.ok(
        names.some((name) => wanted.test(name)),
        `${wanted}: ${names.join(' | ')}`,
      )
    assert.ok(names.every((name) => name !== ''))
    await examine(page, brought(), desk.file('good.zip', goodRange()))
    assert.match((await page.getByRole('status').first().textContent()) ?? '', /^Verified\. /)
    await close()
  })

  for (const width of [1280, 390, 320]) {
    test(`nothing runs out of a page ${width} wide`, async () => {
      const { page, close } = await desk.visit({ viewport: { width, height: 800 } })
      await examine(page, brought(), desk.file('forged.zip', FORGERIES[0]!.make().bundle))
      for (const summary of await page.locator('#report summary').all()) if (await summary.isVisible()) await summary.click()
      assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)) <= 0)
      await close()
    })
  }
})
