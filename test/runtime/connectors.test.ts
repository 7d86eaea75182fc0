import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openConnectors } from '../../runtime/connectors.ts'
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
  connectors.refresh()
  t.ok(connectors.get('mine')?.issues.length, 'its errors are shown')
  t.equal(
    connectors.capabilities('mine', 'things')?.path,
    '/things',
    'running streams keep the last good one',
  )
  write('mine.yaml', manifest('mine', '/third'))
  connectors.refresh()
  t.equal(connectors.capabilities('mine', 'things')?.path, '/third')
})

t.test('a folder that is not there has no connectors', async (t) => {
  t.ok(openConnectors('/nowhere/at/all').get('demo_shop'))
})
