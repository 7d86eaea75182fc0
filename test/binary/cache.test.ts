import { execFile } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { cacheBases, cachedFile } from '../../runtime/binary/cache.ts'
import { sourceRoot } from '../../runtime/binary/embedded.ts'

const bytes = Buffer.from('the bytes of a library')
const folder = mkdtempSync(join(tmpdir(), 'derrick-cache-test-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

t.test('a file is placed once, private, and put right when tampered with', (t) => {
  const base = join(folder, 'plain')
  const file = cachedFile(base, 'a.node', bytes)
  t.same(readFileSync(file), bytes)
  t.equal(statSync(file).mode & 0o777, 0o500)
  t.equal(statSync(dirname(file)).mode & 0o777, 0o700)
  const placed = statSync(file).ino
  t.equal(cachedFile(base, 'a.node', bytes), file)
  t.equal(statSync(file).ino, placed, 'a hit writes nothing')

  chmodSync(file, 0o700)
  writeFileSync(file, 'something else')
  t.same(readFileSync(cachedFile(base, 'a.node', bytes)), bytes)
  t.end()
})

t.test('a link or a folder open to others is refused', (t) => {
  const foreign = join(folder, 'foreign')
  mkdirSync(foreign)
  const link = join(folder, 'link')
  symlinkSync(foreign, link)
  const open = join(folder, 'open')
  mkdirSync(open)
  chmodSync(open, 0o777)
  for (const base of [link, open]) {
    t.throws(() => cachedFile(base, 'a.node', bytes), /private folder/)
  }
  t.same(readdirSync(foreign), [])
  t.same(readdirSync(open), [])
  t.end()
})

t.test('concurrent starts leave one whole file', async (t) => {
  const base = join(folder, 'race')
  const program = `
    import { cachedFile } from ${JSON.stringify(join(sourceRoot, 'runtime/binary/cache.ts'))}
    process.stdout.write(cachedFile(${JSON.stringify(base)}, 'a.node', Buffer.alloc(3_000_000, 7)))`
  const start = () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 30_000,
    })
  const files = (await Promise.all([start(), start(), start()])).map(({ stdout }) => stdout)
  t.equal(new Set(files).size, 1)
  const file = String(files[0])
  t.same(readdirSync(dirname(file)), ['a.node'], 'no drafts are left')
  t.ok(readFileSync(file).equals(Buffer.alloc(3_000_000, 7)))
})

t.test('the order of bases follows the environment', (t) => {
  const bases = cacheBases({ DERRICK_CACHE_DIR: '/c', XDG_CACHE_HOME: '/x', HOME: '/h' })
  t.same(bases.slice(0, 3), ['/c', '/x/derrick', '/h/.cache/derrick'])
  t.ok(cacheBases({}).length >= 1, 'there is one without HOME too')
  t.end()
})
