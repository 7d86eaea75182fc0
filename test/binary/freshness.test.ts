import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { isFresh } from '../../runtime/binary/freshness.ts'

const folder = mkdtempSync(join(tmpdir(), 'derrick-freshness-test-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

/** Sets the modification time, in seconds, of a file or folder. */
function touch(path: string, seconds: number): void {
  utimesSync(path, seconds, seconds)
}

t.test('an output is fresh while nothing below its inputs is newer', (t) => {
  const output = join(folder, 'output')
  const source = join(folder, 'source')
  const deep = join(source, 'deep')
  const file = join(deep, 'a.ts')
  t.notOk(isFresh(output, [source]), 'no output')
  mkdirSync(deep, { recursive: true })
  writeFileSync(file, '')
  writeFileSync(output, '')
  for (const path of [file, deep, source]) touch(path, 1000)
  touch(output, 1000)
  t.ok(isFresh(output, [source, join(folder, 'not-there')]))
  touch(file, 1001)
  t.notOk(isFresh(output, [source]), 'a file below is newer')
  touch(file, 1000)
  touch(deep, 1001)
  t.notOk(isFresh(output, [source]), 'a file was removed from a folder below')
  t.notOk(isFresh(output, [deep]))
  t.end()
})
