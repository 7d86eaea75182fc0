/** The program from outside, as its users start and stop it; once from source, once as the executable. */
import { mkdirSync } from 'node:fs'
import t from 'tap'
import { openFiles } from '../kill/files-place.ts'
import { openScene } from '../kill/scene.ts'
import { startChild } from '../support/child.ts'
import { executable, startDerrick } from '../support/derrick.ts'
import { tempDir } from '../support/temp-dir.ts'
import { waitFor } from '../support/wait.ts'

t.setTimeout(420_000)
const seed = 11

for (const run of ['source', 'executable'] as const) {
  t.test(`${run}: reads everything, whole and once, over a stop and a start`, async (t) => {
    const scene = await openScene(seed, run, openFiles)
    t.teardown(() => scene.close())
    const first = await scene.main.start()
    await scene.main.configure(first, scene.shop, scene.place)
    await scene.main.sync(first)
    await waitFor('some ranges to be complete', () => {
      const { ranges } = scene.main.ledger()
      return ranges.filter(({ status }) => status === 'complete').length > 10
    })
    t.equal(await first.stop(), 0, 'SIGTERM is a clean end')
    const { ranges } = scene.main.ledger()
    t.notOk(
      ranges.some(({ status }) => status === 'running'),
      'nothing is left running',
    )
    t.same(await scene.look(), [], 'what is there is whole')

    const second = await scene.main.start()
    await scene.main.sync(second)
    await scene.main.settle(second)
    t.equal(await second.stop(), 0)
    t.same(await scene.lookAtRest(), [])
    t.same(await scene.lookUpToDate(), [])
    // Ten days of hours and more, twice looked at as a whole; how many ranges there are hangs on the hour.
    const all = scene.main.ledger().ranges.length
    t.ok(all > 10 * 24, `${all} ranges`)
    t.ok(scene.judge.compared > 2 * all, `${scene.judge.compared} comparisons`)
  })

  t.test(`${run}: one process a data dir`, async (t) => {
    using folder = tempDir('data')
    const first = await startDerrick({ dataDir: folder.path, run })
    t.teardown(() => first.kill9())
    const command = run === 'source' ? [process.execPath, 'runtime/main.ts'] : [executable]
    const [file = '', ...args] = [...command, 'serve', '--port', '0', '--data-dir', folder.path]
    const second = startChild(file, args)
    t.equal((await second.exited).code, 1)
    t.match(second.log(), /data/, 'says what is in the way')
    t.equal((await fetch(`${first.url}/readyz`)).status, 200, 'the first one does not mind')
  })
}

t.test('a key that is none is refused with an example', async (t) => {
  using folder = tempDir('data')
  const env = { ...process.env, DERRICK_ADMIN_API_KEY: 'secret', DERRICK_DATA_DIR: folder.path }
  const child = startChild(executable, ['serve', '--port', '0'], { env })
  t.equal((await child.exited).code, 2)
  t.match(child.log(), /dk_live_[0-9a-f]{32}/)
  t.notMatch(child.log(), /secret/, 'what was given is not repeated')
})

t.test('the demo syncs without any configuration', async (t) => {
  using folder = tempDir('demo')
  mkdirSync(`${folder.path}/home`)
  const demo = await startDerrick({
    dataDir: folder.path,
    args: ['demo'],
    env: { HOME: `${folder.path}/home` },
  })
  t.teardown(() => demo.kill9())
  await waitFor('the first files', async () => {
    const { data } = await demo.api<{ data: { records: number }[] }>('GET', '/streams')
    return data.some(({ records }) => records > 0)
  })
  t.match(demo.log(), new RegExp(demo.url), 'the address is printed')
  t.equal(await demo.stop(), 0)
})
