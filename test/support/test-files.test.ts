import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { longestFirst, longFiles } from './long-files.ts'
import { tempDir } from './temp-dir.ts'
import { type EndedFile, runTestFiles } from './test-files.ts'

const root = join(import.meta.dirname, '..', '..')
const tap = join(root, 'node_modules', 'tap', 'dist', 'esm', 'index.js')

async function run(t: Tap, texts: Record<string, string>, more: { fileMs?: number } = {}) {
  const folder = tempDir('test-files')
  t.teardown(() => folder.remove())
  const files = Object.entries(texts).map(([name, text]) => {
    const file = join(folder.path, `${name}.test.ts`)
    writeFileSync(file, `import t from ${JSON.stringify(tap)}\n${text}`)
    return file
  })
  const ended: EndedFile[] = []
  const counts = await runTestFiles(files, {
    jobs: 2,
    fileMs: 60_000,
    allMs: 60_000,
    cache: join(folder.path, 'cache'),
    onEnd: (file) => void ended.push(file),
    ...more,
  })
  const named = ended.map(({ name, ...rest }) => ({
    ...rest,
    name: name.slice(folder.path.length),
  }))
  return { counts, ended: named }
}
type Tap = Pick<typeof t, 'teardown'>

t.test('assertions of all files are counted', async (t) => {
  const { counts, ended } = await run(t, {
    one: `t.test('a', async (t) => { t.ok(1); t.ok(2) })`,
    two: `t.test('b', async (t) => { t.ok(1); t.ok(0) }); t.test('c', { skip: 'no' })`,
  })
  t.same(counts, { passed: 3, failed: 1, skipped: 1 })
  const [bad] = ended.filter(({ ok }) => !ok)
  t.match(bad, { name: '/two.test.ts', tap: /not ok 2 -/ })
  t.equal(ended.length, 2)
})

t.test('a file that ends without a failed assertion may have failed all the same', async (t) => {
  const { counts } = await run(t, { crash: `t.ok(1); process.on('exit', () => process.exit(3))` })
  t.same(counts, { passed: 1, failed: 1, skipped: 0 })
})

t.test('a file has a bound, and may ask for more', async (t) => {
  const wait = `t.test('a', async (t) => { await new Promise((r) => setTimeout(r, 3_000)); t.ok(1) })`
  const hang = wait.replace('3_000', '600_000')
  const { counts } = await run(
    t,
    { more: `t.setTimeout(60_000)\n${wait}`, hang },
    { fileMs: 2_000 },
  )
  t.equal(counts.passed, 1)
  t.ok(counts.failed > 0)
})

t.test('tests run without hooks in the programs that they start', async (t) => {
  const text = `import { execFileSync } from 'node:child_process'
    t.same(process.execArgv, [])
    t.notMatch(execFileSync('env', { encoding: 'utf8' }), /NODE_OPTIONS=.*import/)`
  t.match(await run(t, { hooks: text }), { counts: { passed: 2, failed: 0 } })
})

t.test('the longest files are named and come first', async (t) => {
  for (const file of longFiles) t.ok(existsSync(join(root, file)), file)
  const [first = '', second = ''] = longFiles
  t.same(longestFirst(['a', second, 'b', first]), [first, second, 'a', 'b'])
})
