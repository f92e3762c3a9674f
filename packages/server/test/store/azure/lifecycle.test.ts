import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withStore } from './place.ts'

const DAY_MS = 86_400_000

test('the rule for cooler tiers moves what is under the prefix, current or not, deletes nothing, and is the operator’s to set', () =>
  withStore(
    async ({ store, server }) => {
      for (const [storageClass, action] of [
        ['COOL', 'tierToCool'],
        ['cold', 'tierToCold'],
      ] as const) {
        const { id, rule, standing } = await store.lifecycle({ afterMs: 30 * DAY_MS - 1, storageClass })
        assert.equal(standing, false)
        assert.deepEqual(JSON.parse(rule), {
          name: id,
          enabled: true,
          type: 'Lifecycle',
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['sealed/audit/eu/'] },
            actions: { baseBlob: { [action]: { daysAfterCreationGreaterThan: 30 } }, version: { [action]: { daysAfterCreationGreaterThan: 30 } } },
          },
        })
      }
      assert.match(JSON.parse((await store.lifecycle({ afterMs: 1, storageClass: 'COOL' })).rule).name as string, /^[A-Za-z0-9-]{1,256}$/)
      for (const storageClass of ['ARCHIVE', 'HOT', 'GLACIER', '']) {
        await assert.rejects(store.lifecycle({ afterMs: DAY_MS, storageClass }), { code: 'CONFIG_INVALID' }, storageClass)
      }
      assert.equal(server.seen.length, 0)
    },
    {},
    { prefix: 'audit/eu/' },
  ))
