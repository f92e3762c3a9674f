import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formatBundle, parseBundle } from '../src/index.ts'
import { refuses } from './oracle.ts'

describe('entry bundles', () => {
  it('carry 1 to 256 entries of 0 to 65,535 bytes (property)', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 }), (entries) => {
        const read = parseBundle(formatBundle(entries), entries.length)
        assert.deepEqual(
          read.map((entry) => [...entry]),
          entries.map((entry) => [...entry]),
        )
      }),
      { numRuns: 50 },
    )
    const edge = [new Uint8Array(65_535).fill(1), new Uint8Array(0), new Uint8Array(256).fill(2), new Uint8Array(255).fill(3)]
    assert.deepEqual(
      parseBundle(formatBundle(edge), 4).map((entry) => entry.length),
      [65_535, 0, 256, 255],
    )
  })

  it('are big-endian lengths and bytes', () => {
    assert.deepEqual([...formatBundle([Uint8Array.of(9), new Uint8Array(258)])].slice(0, 6), [0, 1, 9, 1, 2, 0])
  })

  it('are refused when truncated anywhere, lengthened, or of another count', () => {
    const bundle = formatBundle([Uint8Array.of(1, 2, 3), new Uint8Array(0), new Uint8Array(300)])
    for (let length = 0; length < bundle.length; length++) refuses(() => parseBundle(bundle.subarray(0, length), 3), 'BUNDLE_MALFORMED')
    refuses(() => parseBundle(Uint8Array.from([...bundle, 0]), 3), 'BUNDLE_MALFORMED')
    for (const width of [-1, 0, 1, 2, 4, 257, 2.5, Number.NaN]) refuses(() => parseBundle(bundle, width), 'BUNDLE_MALFORMED')
  })

  it('are not made of what no reader would take', () => {
    refuses(() => formatBundle([]), 'BUNDLE_MALFORMED')
    refuses(() => formatBundle(Array.from({ length: 257 }, () => new Uint8Array(1))), 'BUNDLE_MALFORMED')
    refuses(() => formatBundle([new Uint8Array(65_536)]), 'ENTRY_TOO_LARGE')
  })
})
