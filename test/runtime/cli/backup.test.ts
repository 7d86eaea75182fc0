import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startDerrick } from '../../support/derrick.ts'
import { runDerrick } from '../../support/run-derrick.ts'
import { tempDir } from '../../support/temp-dir.ts'

// Each command is a process of its own, on a machine that may be busy.
t.setTimeout(300_000)
const dir = tempDir('backup')
t.teardown(dir.remove)
const place = (name: string) => join(dir.path, name)
const run = (...args: string[]) => runDerrick(args, { HOME: dir.path })

t.test('a backup of a running server starts another with the same things', async (t) => {
  const first = await startDerrick({ dataDir: place('one'), run: 'newest' })
  const made = await first.api<{ id: string }>('POST', '/sources', {
    name: 'shop',
    connector: 'demo_shop',
    config: { base_url: 'http://127.0.0.1:1', api_key: 'key_in_a_backup' },
  })
  const backup = await run('backup', place('copy'), '--data-dir', place('one'))
  t.match(backup, { code: 0 }, backup.stderr)
  for (const name of readdirSync(place('copy')))
    t.equal(statSync(join(place('copy'), name)).mode & 0o077, 0, `${name} is private`)
  await first.stop()
  t.match(await run('backup', place('copy'), '--data-dir', place('one')), { code: 2 })

  t.match(await run('restore', place('copy'), '--data-dir', place('two')), { code: 0 })
  const second = await startDerrick({
    dataDir: place('two'),
    run: 'newest',
    apiKey: first.apiKey,
  })
  const checked = await second.api<{ steps: { name: string; ok: boolean }[] }>(
    'POST',
    `/sources/${made.id}/check`,
    {},
  )
  t.match(checked.steps[0], { name: 'config', ok: true }, 'secrets can be read, too')
  await second.stop()
  t.match(await run('restore', place('copy'), '--data-dir', place('two')), { code: 2 })
})

t.test('what is no backup is refused, and leaves nothing', async (t) => {
  t.match(await run('restore', place('nowhere'), '--data-dir', place('three')), { code: 2 })
  writeFileSync(join(place('copy'), 'derrick.db'), 'not a database at all')
  const damaged = await run('restore', place('copy'), '--data-dir', place('three'))
  t.match(damaged, { code: 1, stderr: /damaged/ })
  t.strictSame(readdirSync(place('three')), [])
})
