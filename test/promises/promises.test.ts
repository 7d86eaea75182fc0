/** Each promise is shown by tests that exist; `npm test` runs them all, the kill and simulation loops in their short form. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sabotages, type Watch } from '../kill/sabotages.ts'
import { promises } from './promises.ts'

const textOf = (file: string): string => {
  const path = join(import.meta.dirname, '..', file)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

for (const { id, promise, shownBy, awaits } of promises) {
  t.test(`${id} ${promise}`, async (t) => {
    for (const [file, title] of shownBy) t.ok(textOf(file).includes(title), `${file}: ${title}`)
    t.ok(shownBy.length > 0 || awaits !== undefined, awaits ? `awaits ${awaits}` : 'shown')
  })
}

t.test('all of them are there', async (t) => {
  t.same(
    promises.map(({ id }) => id),
    [...Array.from({ length: 36 }, (_, i) => `P${i + 1}`), 'A1', 'A2', 'A3'],
  )
  t.equal(promises.filter(({ awaits }) => awaits).length, 2)
})

t.test('six breaches, each noticed by a named test', async (t) => {
  const watches: [breach: string, watch: Watch][] = Object.entries(sabotages)
  t.equal(watches.length, 6)
  for (const [breach, { breaks, file, writtenIn = file, test, by }] of watches) {
    const title = by === 'kills' ? 'the harness notices $' : test
    t.ok(textOf(writtenIn).includes(title), `${breach}: ${writtenIn}: ${test}`)
    t.ok(
      breaks.every((id) => promises.some((promised) => promised.id === id)),
      breach,
    )
  }
})
