import { readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { addChecksums } from '../../../actors/destinations/row-hash.ts'
import { Spool } from '../../../actors/destinations/spool.ts'
import { SpoolPool } from '../../../actors/destinations/spool-pool.ts'
import type { SpooledPage } from '../../../actors/destinations/writer.ts'
import { failureCode, tempFolder } from './attempts.ts'

const never = new AbortController().signal

function page(text: string, recordCount = 1, superseded: number[] = []): SpooledPage {
  const bytes = new Uint8Array(Buffer.from(text))
  const meta = { columns: [], superseded, crc: crc32(bytes) }
  return { bytes, recordCount, checksum: bytes.byteLength, meta }
}

function openSpool(dir: string, more: Partial<ConstructorParameters<typeof Spool>[0]> = {}): Spool {
  return new Spool({
    pool: new SpoolPool(),
    dir,
    name: () => '7-42',
    memoryBytes: 100,
    signal: never,
    ...more,
  })
}

async function replayed(spool: Spool): Promise<string[]> {
  const texts: string[] = []
  for await (const { bytes } of spool.replay()) texts.push(Buffer.from(bytes).toString())
  return texts
}

t.test(
  'pages come back as they went in, from memory or from the file, as often as asked',
  async (t) => {
    const dir = await tempFolder(t)
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 60 })),
        fc.nat(400),
        async (texts, memoryBytes) => {
          const spool = openSpool(dir, { memoryBytes })
          for (const text of texts) await spool.append(page(text))
          const sum = texts.reduce((total, text) => addChecksums(total, Buffer.byteLength(text)), 0)
          const right =
            JSON.stringify(await replayed(spool)) === JSON.stringify(texts) &&
            JSON.stringify(await replayed(spool)) === JSON.stringify(texts) &&
            spool.records === texts.length &&
            spool.checksum === sum
          await spool.drop()
          return right && (await readdir(dir)).length === 0
        },
      ),
      { numRuns: 50 },
    )
    t.pass('for 50 spools')
  },
)

t.test('the file is made only past the bound, is private, and goes with the spool', async (t) => {
  const dir = join(await tempFolder(t), 'made', 'when needed')
  const pool = new SpoolPool()
  const spool = openSpool(dir, { pool })
  await spool.append(page('x'.repeat(100)))
  await t.rejects(readdir(dir))
  await spool.append(page('y'))
  t.strictSame(await readdir(dir), ['7-42.spool'])
  t.equal((await stat(join(dir, '7-42.spool'))).mode & 0o777, 0o600)
  t.equal(pool.used, 101)
  await spool.drop()
  await spool.drop()
  t.equal(pool.used, 0)
  t.strictSame(await readdir(dir), [])
})

t.test('what a spool may hold beyond its own memory is borrowed, and given back', async (t) => {
  const dir = await tempFolder(t)
  const pool = new SpoolPool(10_000, 150)
  const open = (name: string): Spool => openSpool(dir, { pool, name: () => name })
  const [a, b] = [open('1-1'), open('2-1')] as const
  for (const letter of 'abc') await a.append(page(letter.repeat(70)))
  t.equal(pool.lent, 110)
  t.strictSame(await readdir(dir), [], 'in memory')
  await b.append(page('x'.repeat(100)))
  await b.append(page('y'.repeat(70)))
  t.equal(pool.lent, 110, 'nothing is left to lend')
  t.strictSame(await readdir(dir), ['2-1.spool'])
  await a.append(page('d'.repeat(70)))
  t.equal(pool.lent, 0, 'a spool in its file needs no memory')
  t.strictSame((await readdir(dir)).sort(), ['1-1.spool', '2-1.spool'])
  t.strictSame(
    await replayed(a),
    ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(70)),
  )
  const c = open('3-1')
  await c.append(page('z'.repeat(200)))
  t.equal(pool.lent, 100)
  const huge = open('4-1')
  await huge.append(page('h'.repeat(251)))
  t.equal(pool.lent, 100, 'more than there is')
  await Promise.all([a, b, c, huge].map((spool) => spool.drop(true)))
  t.equal(pool.lent, 0)
  t.equal(pool.used, 0)
  t.strictSame(await readdir(dir), [])
})

t.test('rows that later ones replace are known by their number', async (t) => {
  const spool = openSpool(await tempFolder(t))
  await spool.append(page('ab', 2))
  await spool.append(page('cd', 2, [0, 2]))
  const rows = [0, 1, 2, 3].map((row) => spool.superseded.has(row))
  t.strictSame(rows, [true, false, true, false])
  const firsts: number[] = []
  for await (const { firstRow } of spool.replay()) firsts.push(firstRow)
  t.strictSame(firsts, [0, 2])
})

t.test('spools over the worker bound wait for another to be dropped; one goes on', async (t) => {
  const dir = await tempFolder(t)
  const pool = new SpoolPool(250)
  const open = (name: string): Spool => openSpool(dir, { pool, name: () => name })
  const [a, b, c] = [open('1-1'), open('2-1'), open('3-1')] as const
  await a.append(page('a'.repeat(100)))
  await b.append(page('b'.repeat(100)))
  await a.append(page('a'.repeat(100)))
  t.equal(pool.used, 300, 'the first that met the bound goes on')
  const order: string[] = []
  const waiting = [b.append(page('b'.repeat(100))), c.append(page('c'.repeat(60)))] as const
  void waiting[0].then(() => order.push('b'))
  void waiting[1].then(() => order.push('c'))
  await a.append(page('a'))
  t.equal(pool.waiting, 2)
  t.strictSame(order, [])
  await a.drop()
  await Promise.all(waiting)
  t.strictSame(order.sort(), ['b', 'c'])
  t.equal(pool.used, 260)
  await Promise.all([b.drop(), c.drop()])
  t.equal(pool.used, 0)
})

t.test('a wait ends with its attempt', async (t) => {
  const dir = await tempFolder(t)
  const pool = new SpoolPool(100)
  const abort = new AbortController()
  const first = openSpool(dir, { pool })
  const second = openSpool(dir, { pool, name: () => '8-1', signal: abort.signal })
  await first.append(page('x'.repeat(200)))
  const wait = second.append(page('y'.repeat(50)))
  abort.abort(new Error('given up'))
  await t.rejects(wait, { message: 'given up' })
  t.equal(pool.waiting, 0)
  await second.drop()
  t.equal(pool.used, 200)
  await first.drop()
  t.equal(pool.used, 0)
})

t.test('a folder that takes no file is a failure with a remedy', async (t) => {
  const dir = join(await tempFolder(t), 'file')
  await writeFile(dir, '')
  const spool = openSpool(dir)
  t.match(await failureCode(spool.append(page('x'.repeat(200)))), /^disk\./)
  await spool.drop()
})

t.test('a link in place of the file is not followed', async (t) => {
  const dir = await tempFolder(t)
  await symlink(join(dir, 'elsewhere'), join(dir, '7-42.spool'))
  const spool = openSpool(dir)
  t.equal(await failureCode(spool.append(page('x'.repeat(200)))), 'disk.eloop')
  t.strictSame(await readdir(dir), ['7-42.spool'])
})

t.test(
  'a byte that changed in the file, or in memory, is noticed when it comes back',
  async (t) => {
    for (const memoryBytes of [0, 100]) {
      const dir = await tempFolder(t)
      const spool = openSpool(dir, { memoryBytes })
      const kept = page('what was read\n')
      await spool.append(kept)
      t.strictSame(await replayed(spool), ['what was read\n'])
      if (memoryBytes === 0) await writeFile(join(dir, '7-42.spool'), 'what was rexd\n')
      else kept.bytes[10] = 0
      t.equal(await failureCode(replayed(spool)), 'spool.damaged')
      await spool.drop()
    }
  },
)
