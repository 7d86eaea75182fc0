import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { assetKeys, embedded, readAsset, sourceRoot } from '../../runtime/binary/embedded.ts'

const migrations = join(sourceRoot, 'schema', 'migrations')

t.test('a checkout answers the keys that the executable embeds', (t) => {
  t.equal(embedded, false)
  const keys = assetKeys('migrations/')
  t.same(
    keys,
    readdirSync(migrations)
      .sort()
      .map((name) => `migrations/${name}`),
  )
  const first = readAsset('migrations/0001_init.sql')
  t.same(first, readFileSync(join(migrations, '0001_init.sql')))
  t.end()
})

t.test('keys that name nothing, or climb out of their folder, have no bytes', (t) => {
  const hostile = [
    '',
    '/',
    'migrations',
    'migrations/',
    'migrations/none.sql',
    'migrations/../../package.json',
    'web/../../package.json',
    'migrations//etc/passwd/..',
    'migrations/0001_init.sql\0',
    'constructor/x',
    '__proto__/x',
    '../package.json',
  ]
  for (const key of hostile) t.equal(readAsset(key), undefined, JSON.stringify(key))
  t.same(assetKeys('constructor/'), [])
  t.end()
})
