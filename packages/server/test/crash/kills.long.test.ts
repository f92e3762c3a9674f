import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChildOptions } from './child.ts'
import { Book, Child, TRAILS, comesBackWhole, shuffled, temporary } from './harness.ts'
import type { Trail } from './harness.ts'

const KILLS = process.env['SLOW'] === '1' ? 100 : 6
const SENDERS = 4
const BATCH = 40
/** Calls are released while they still come in, and the journal goes through many files. */
const OPTIONS: ChildOptions = { sequence: [30, 60, 200], rotateBytes: 300_000 }

const random = (below: number): number => Math.floor(Math.random() * below)
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

test(`${KILLS} kills at random moments under load lose nothing and double nothing`, async (t) => {
  const { data, remove } = temporary()
  const book = new Book()
  const next: Record<Trail, number> = { notifications: 0, interactions: 0 }
  const said = { opening: 0, unanswered: 0 }
  let child = new Child(data, book, OPTIONS)
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const running = child
      // It starts beside the one that is about to die, and opens the directory after it.
      child = new Child(data, book, OPTIONS)
      const opened = running.open()
      if (kill % 3 === 2) await pause(random(400))
      else {
        assert.notEqual(await opened, null)
        const first = Promise.withResolvers<void>()
        const senders = Array.from({ length: SENDERS }, async (_, n) => {
          const trail = TRAILS[n % 2] as Trail
          for (;;) {
            const fresh = Array.from({ length: BATCH }, () => next[trail]++)
            const again = shuffled([...book.sent[trail]].slice(-500)).slice(0, 5)
            if (!(await running.submit(trail, shuffled([...fresh, ...again])))) return
            first.resolve()
          }
        })
        // Every other time once something was promised: a busy machine may take longer for that than any moment drawn.
        if (kill % 3 === 1) await Promise.race([first.promise, Promise.all(senders)])
        await pause(20 + random(500))
        running.kill()
        await Promise.all(senders)
      }
      running.kill()
      if ((await opened) === null) said.opening++
      assert.equal(await running.ended, 'SIGKILL')
    }
    child.kill()
    const sent = book.sent.notifications.size + book.sent.interactions.size
    said.unanswered = sent - book.size
    assert.ok(book.size > KILLS * 10, `${book.size} promised`)
    const promised = book.size
    const found = await comesBackWhole(data, book)
    t.diagnostic(
      `${KILLS} kills, ${said.opening} of them while opening; ${sent} events sent, ${promised} promised before their server died, ${said.unanswered} not answered; last recovery: ${found.join('; ')}`,
    )
  } finally {
    child.kill()
    remove()
  }
})
