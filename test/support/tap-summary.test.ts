import t from 'tap'
import { readTapSummary, slowestFiles } from './tap-summary.ts'

const stream = `TAP version 14
ok 1 - test/a.test.ts # time=12.5ms
not ok 2 - test/b.test.ts # time=900.4ms
# { total: 9, pass: 4, fail: 3, skip: 1, todo: 1 }
# time=3923.836ms
`

t.test('counts are read from the end of the stream', async (t) => {
  t.same(readTapSummary(stream), { passed: 4, failed: 3, skipped: 2 })
  t.same(readTapSummary('# { total: 2, pass: 2 }\n'), { passed: 2, failed: 0, skipped: 0 })
})

t.test('a stream that was cut is a failure', async (t) => {
  t.same(readTapSummary('TAP version 14\nok 1 - a\n'), { passed: 0, failed: 1, skipped: 0 })
  t.same(readTapSummary(''), { passed: 0, failed: 1, skipped: 0 })
})

t.test('the slowest files come first', async (t) => {
  t.same(slowestFiles(stream, 1), ['     900 ms  test/b.test.ts'])
})
