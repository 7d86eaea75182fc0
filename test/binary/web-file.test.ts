import t from 'tap'
import { acceptedEncodings, webFile } from '../../runtime/binary/web-file.ts'

t.test('a coding counts as accepted unless its weight is zero', (t) => {
  const cases: [string, string[]][] = [
    ['', []],
    ['gzip, deflate, br', ['gzip', 'deflate', 'br']],
    ['br;q=0, gzip;q=0.5', ['gzip']],
    ['br; q=0.000 , GZIP', ['gzip']],
    ['br;q=0.001', ['br']],
    [',;,', []],
  ]
  for (const [header, expected] of cases) t.same([...acceptedEncodings(header)], expected, header)
  t.end()
})

t.test('a path outside the console has no file', (t) => {
  for (const path of ['', 'none.js', '../build/main.cjs', '../../package.json']) {
    t.equal(webFile(path, 'br'), undefined, path)
  }
  t.end()
})
