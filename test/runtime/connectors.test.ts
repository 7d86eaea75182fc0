import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openConnectors } from '../../runtime/connectors.ts'
import { loadManifest } from '../../schema/manifest/load.ts'
import { tempDir } from '../support/temp-dir.ts'

const manifest = (id: string, path = '/things') => `derrick: 1
id: ${id}
name: ${id}
version: 1.0.0
api: {base_url: https://api.example.com}
streams:
  things: {path: ${path}, records: {at: data}}
`

t.test('built-in connectors are there and say what they can do', async (t) => {
  const connectors = openConnectors()
  const shop = connectors.get('demo_shop')
  t.match(shop, { origin: 'built_in', manifest: { id: 'demo_shop' } })
  t.strictSame(
    shop?.issues.filter((issue) => issue.severity === 'error'),
    [],
  )
  t.match(connectors.capabilities('demo_shop', 'orders'), {
    window: true,
    newest_first: true,
    primary_key: ['id'],
  })
  t.equal(connectors.capabilities('demo_shop', 'constructor'), undefined)
  t.equal(connectors.capabilities('nobody', 'orders'), undefined)
})

t.test('a derrick.yaml among the manifests is no broken connector', async (t) => {
  const dir = tempDir('manifests')
  t.teardown(dir.remove)
  writeFileSync(
    join(dir.path, 'derrick.yaml'),
    'sources: {shop: {connector: mine}}\nconnections: {}\n',
  )
  writeFileSync(join(dir.path, 'mine.yaml'), manifest('mine'))
  const told: string[] = []
  const connectors = openConnectors(dir.path, { onProject: (file) => told.push(file) })
  await connectors.refresh()
  t.equal(connectors.get('derrick'), undefined)
  t.match(connectors.get('mine'), { issues: [] })
  t.strictSame(told, ['derrick.yaml'])
})

t.test('a folder adds and replaces; what is broken is listed with its errors', async (t) => {
  const dir = tempDir('manifests')
  t.teardown(dir.remove)
  const write = (name: string, text: string) => writeFileSync(join(dir.path, name), text)
  write('mine.yaml', manifest('mine'))
  write('shop.yml', manifest('demo_shop', '/own'))
  write('broken.yaml', 'derrick: 1\nid: broken\nstreams: {things: {pth: /x}}\n')
  write('garbage.yaml', '{{{')
  write('twice.yaml', manifest('mine', '/second'))
  write('notes.txt', 'not a manifest')
  mkdirSync(join(dir.path, 'folder.yaml'))
  const connectors = openConnectors(dir.path)
  await connectors.refresh()
  t.equal(connectors.capabilities('mine', 'things')?.path, '/things')
  t.match(connectors.get('demo_shop'), {
    origin: 'folder',
    manifest: { streams: { things: { path: '/own' } } },
  })
  const broken = connectors.get('broken')
  t.equal(broken?.manifest, undefined)
  t.ok(
    broken?.issues.some(
      (issue) => issue.severity === 'error' && issue.file === 'broken.yaml' && issue.line > 0,
    ),
  )
  t.ok(connectors.get('garbage')?.issues.length)
  t.match(connectors.get('mine')?.issues, [{ code: 'manifest.duplicate_id', file: 'twice.yaml' }])

  write('mine.yaml', 'derrick: 1\nid: mine\n')
  rmSync(join(dir.path, 'twice.yaml'))
  await connectors.refresh()
  t.ok(connectors.get('mine')?.issues.length, 'its errors are shown')
  t.equal(
    connectors.capabilities('mine', 'things')?.path,
    '/things',
    'running streams keep the last good one',
  )
  write('mine.yaml', manifest('mine', '/third'))
  await connectors.refresh()
  t.equal(connectors.capabilities('mine', 'things')?.path, '/third')
})

t.test('a broken file hides no other and is told of with all its errors', async (t) => {
  const dir = tempDir('manifests')
  t.teardown(dir.remove)
  const write = (name: string, text: string) => writeFileSync(join(dir.path, name), text)
  const heard: string[] = []
  const connectors = openConnectors(dir.path, {
    load: async (files) => {
      if (files.some(({ text }) => text.includes('slow'))) throw new Error('it took too long')
      return files.map(({ text, file }) => loadManifest(text, file))
    },
    onRead: ({ file, issues }) => void heard.push(`${file} ${issues.length}`),
  })
  write('a.yaml', 'derrick: 1\nid: mine\nstreams: {things: {pth: /x}, more: {path: 7}}\n')
  write('b.yaml', manifest('mine'))
  write('slow.yaml', 'id: slow\n')
  writeFileSync(join(dir.path, 'large.yaml'), `id: large\n#${'x'.repeat(1024 * 1024)}`)
  await connectors.refresh()
  t.ok(connectors.manifest('mine'), 'the one that works has the name')
  t.ok((connectors.get('a')?.issues.length ?? 0) > 2, 'the broken one stands under its file')
  t.match(connectors.get('slow')?.issues, [{ message: 'it took too long', file: 'slow.yaml' }])
  t.match(connectors.get('large')?.issues, [{ message: /1 MB/ }])
  t.strictSame(
    heard.map((line) => line.split(' ')[0]),
    ['a.yaml', 'b.yaml', 'large.yaml', 'slow.yaml'],
  )
  heard.length = 0
  await connectors.refresh()
  t.strictSame(heard, [], 'what did not change is not read again')
  write('a.yaml', manifest('other'))
  await connectors.refresh()
  t.strictSame(heard, ['a.yaml 0', 'large.yaml 1'])
  t.ok(connectors.manifest('other'))
})

t.test('a folder that is not there has no connectors', async (t) => {
  t.ok(openConnectors('/nowhere/at/all').get('demo_shop'))
})
