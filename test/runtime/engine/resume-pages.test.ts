import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sweepResumePages } from '../../../runtime/engine/resume-pages.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { makeHarness, noon, succeed } from './harness.ts'

t.test('a stream that was reset does not go on with pages of before', async (t) => {
  using folder = tempDir('resume')
  const h = makeHarness(succeed)
  const context = h.contexts.get('str_0')
  if (!context) throw new Error('the harness has no stream')
  h.contexts.set('str_0', { ...context, connector: { ...context.connector, windowed: false } })
  h.deps.resumeDir = folder.path
  for (const clear of [false, true]) {
    h.engine.syncStream('str_0', 'manual')
    await h.ended('str_0')
    const pages = join(folder.path, `${h.deps.ranges.full('str_0')?.id}.pages`)
    writeFileSync(pages, 'pages')
    await h.engine.resetStream('str_0', { clear })
    t.notOk(existsSync(pages), `clear: ${clear}`)
  }
})

t.test('pages that nobody will go on with are swept', async (t) => {
  using data = tempDir('data')
  const folder = join(data.path, 'resume')
  mkdirSync(folder)
  for (const name of ['1.pages', '2.pages']) writeFileSync(join(folder, name), '')
  utimesSync(join(folder, '1.pages'), noon / 1000, noon / 1000 - 25 * 3600)
  utimesSync(join(folder, '2.pages'), noon / 1000, noon / 1000 - 23 * 3600)
  t.equal(sweepResumePages(data.path, noon), folder)
  t.strictSame(
    ['1.pages', '2.pages'].map((name) => existsSync(join(folder, name))),
    [false, true],
  )
})
