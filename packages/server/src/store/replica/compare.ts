import type { Store } from '../store.ts'

/** An object that one of two stores has, or both. */
export interface Beside {
  readonly key: string
  readonly size: number
  readonly in: 'both' | 'main' | 'replica'
}

/** The keys of two stores side by side, ascending, holding one key of each at a time. @throws SealtrailError STORE_UNREADABLE of either */
export async function* compared(main: Store, replica: Store, prefix: string, after?: string): AsyncGenerator<Beside> {
  const [left, right] = [main.list(prefix, after)[Symbol.asyncIterator](), replica.list(prefix, after)[Symbol.asyncIterator]()]
  try {
    let [one, two] = await Promise.all([left.next(), right.next()])
    while (one.done !== true || two.done !== true) {
      const order = one.done === true ? 1 : two.done === true ? -1 : one.value.key < two.value.key ? -1 : one.value.key > two.value.key ? 1 : 0
      if (order === 0) {
        yield { ...(one.value as { key: string; size: number }), in: 'both' }
        ;[one, two] = await Promise.all([left.next(), right.next()])
      } else if (order < 0) {
        yield { ...(one.value as { key: string; size: number }), in: 'main' }
        one = await left.next()
      } else {
        yield { ...(two.value as { key: string; size: number }), in: 'replica' }
        two = await right.next()
      }
    }
  } finally {
    await Promise.allSettled([left.return?.(), right.return?.()])
  }
}
