import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openDatabase } from '../../../runtime/store/database.ts'
import { openSecretBox, presentConfig, type Sealed } from '../../../runtime/store/secrets.ts'
import { DerrickError } from '../../../schema/error.ts'
import { tempDir } from '../../support/temp-dir.ts'

function opened(test: Pick<typeof t, 'teardown'>) {
  const dir = tempDir('secrets')
  const db = openDatabase(dir.path)
  test.teardown(() => {
    db.close()
    dir.remove()
  })
  return { db: db.full, dir: dir.path, file: join(dir.path, 'secret.key') }
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof DerrickError) return error.failure.code
    throw error
  }
  return 'nothing was thrown'
}

const owner = { kind: 'source', id: 'src_1' } as const

t.test('seals fields and opens them again, also after a restart', async (t) => {
  const { db, dir, file } = opened(t)
  const config = {
    url: 'http://x',
    token: 'a secret of some length',
    list: ['x', 1],
    __proto__x: 1,
  }
  const sealed = openSecretBox(db, dir).sealConfig(owner, config, new Set(['token', 'list']))
  t.equal(statSync(file).mode & 0o777, 0o600)
  t.notMatch(JSON.stringify(sealed), 'a secret')
  t.strictSame(openSecretBox(db, dir).decryptConfig(owner, sealed), config)
  t.strictSame(presentConfig(sealed, new Set(['token', 'list', 'url'])), {
    url: { set: true },
    token: { set: true, hint: '…ngth' },
    list: { set: true },
    __proto__x: 1,
  })
})

t.test('the same secret never looks the same twice', async (t) => {
  const { db, dir } = opened(t)
  const box = openSecretBox(db, dir)
  t.not(box.seal(owner, 'token', 'x').$secret, box.seal(owner, 'token', 'x').$secret)
})

t.test('a ciphertext is worth nothing in another field, row or kind, or changed', async (t) => {
  const { db, dir } = opened(t)
  const box = openSecretBox(db, dir)
  const sealed = box.seal(owner, 'token', 'x')
  const moved: [typeof owner | { kind: 'destination'; id: string }, string, Sealed][] = [
    [owner, 'other', sealed],
    [{ ...owner, id: 'src_2' as 'src_1' }, 'token', sealed],
    [{ kind: 'destination', id: 'src_1' }, 'token', sealed],
    // Not the last character: some of its bits are padding, which no decoder looks at.
    [
      owner,
      'token',
      { $secret: sealed.$secret.replace(/.(?=.{4}$)/, (c) => (c === 'A' ? 'B' : 'A')) },
    ],
    [owner, 'token', { $secret: 'v1.x' }],
    [owner, 'token', { $secret: '' }],
  ]
  for (const [of, field, value] of moved) {
    t.equal(
      codeOf(() => box.decryptConfig(of, { [field]: value })),
      'secret.unreadable',
    )
  }
})

t.test('another key, a missing one, or a short one stop the start and say why', async (t) => {
  const { db, dir, file } = opened(t)
  openSecretBox(db, dir)
  const kept = readFileSync(file, 'utf8')
  t.equal(
    codeOf(() => openSecretBox(db, dir, 'another key of good length')),
    'secret_key.wrong',
  )
  t.equal(
    codeOf(() => openSecretBox(db, dir, 'short')),
    'secret_key.short',
  )
  writeFileSync(file, 'not the one that was used\n')
  t.equal(
    codeOf(() => openSecretBox(db, dir)),
    'secret_key.wrong',
  )
  rmSync(file)
  t.equal(
    codeOf(() => openSecretBox(db, dir)),
    'secret_key.missing',
  )
  writeFileSync(file, kept)
  t.equal(
    codeOf(() => openSecretBox(db, dir)),
    'nothing was thrown',
  )
  t.equal(
    codeOf(() => openSecretBox(db, dir, kept)),
    'nothing was thrown',
    'given or read is one',
  )
})

t.test('hints: nothing of short secrets, of URLs never who', async (t) => {
  const { db, dir } = opened(t)
  const box = openSecretBox(db, dir)
  const hint = (value: unknown) => box.seal(owner, 'f', value).hint
  t.equal(hint('fifteen letters'), undefined)
  t.equal(hint(1234567890123456), undefined)
  t.equal(hint('sixteen letters!'), '…ers!')
  t.equal(hint('postgres://u:p@h:5/db?sslmode=require'), 'postgres://…@h:5/db')
  for (const url of [
    'postgres://u:12/34@host/db',
    'postgres://u:12#34@host/db',
    'postgres://u:12?34@host/db',
    'postgres://u:a/b@host/database',
  ]) {
    t.notMatch(hint(url), /12|34@|a\/b/, url)
  }
})
