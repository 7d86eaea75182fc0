import { crc32, deflateRawSync, gzipSync } from 'node:zlib'
import t from 'tap'
import { failureOf, manifestOf, readAll, startApi } from '../test-api.ts'

/** A zip archive of these files; method 0 stores, 8 deflates. */
function zip(files: Record<string, string>, method: 0 | 8 = 8): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const [name, text] of Object.entries(files)) {
    const plain = Buffer.from(text)
    const packed = method === 8 ? deflateRawSync(plain) : plain
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(name.length, 26)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(method, 10)
    entry.writeUInt32LE(crc32(plain), 16)
    entry.writeUInt32LE(packed.length, 20)
    entry.writeUInt32LE(plain.length, 24)
    entry.writeUInt16LE(name.length, 28)
    entry.writeUInt32LE(at, 42)
    parts.push(local, Buffer.from(name), packed)
    directory.push(entry, Buffer.from(name))
    at += 30 + name.length + packed.length
  }
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(Object.keys(files).length, 10)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, ...directory, end])
}

async function rows(body: Buffer | string, records: string): Promise<unknown[]> {
  const api = await startApi((_, response) => void response.end(body))
  const manifest = manifestOf(`
api: {base_url: "${api.url}", max_body: 100KB}
streams: {items: {path: /items, records: {${records}}}}
`)
  return (await readAll({ manifest })).records
}

t.test('tables, lines and XML, as they are and packed', async (t) => {
  const wanted = [
    { id: '1', name: 'Ä' },
    { id: '2', name: 'b' },
  ]
  const table = 'id;name\n1;Ä\n2;b\n'
  t.same(await rows(table, 'format: csv, delimiter: ";"'), wanted)
  t.same(await rows(gzipSync(table), 'format: csv, delimiter: ";"'), wanted)
  const latin = Buffer.from(table, 'latin1')
  t.same(await rows(latin, 'format: csv, delimiter: ";", charset: iso-8859-1'), wanted)
  const parts = { 'a.csv': 'id;name\n1;Ä\n', 'folder/': '', 'folder/b.csv': 'id;name\n2;b\n' }
  for (const method of [0, 8] as const)
    t.same(await rows(zip(parts, method), 'format: csv, delimiter: ";", compression: zip'), wanted)
  t.same(await rows('a\r\n\r\nb', 'format: lines'), [{ value: 'a' }, { value: 'b' }])
  t.same(await rows('a\nb', 'format: lines, shape: scalars'), [{ value: 'a' }, { value: 'b' }])
  const xml = '<rows><row><id>1</id><name>Ä</name></row><row><id>2</id><name>b</name></row></rows>'
  t.same(await rows(xml, 'format: xml, xml_item: row'), wanted)
  t.same(await rows(xml, 'format: xml, at: rows.row'), wanted)
  t.same(await rows(zip({ 'a.json': '[{"id":1}]' }), 'format: json'), [{ id: 1 }])
})

t.test('archives that are damaged, too large or closed are failures', async (t) => {
  const code = async (body: Buffer) =>
    (await failureOf(rows(body, 'format: csv, compression: zip'))).code
  const good = zip({ 'a.csv': 'id\n1\n' })
  t.equal(await code(good.subarray(0, good.length - 10)), 'records.compression', 'cut')
  const wrong = Buffer.from(good)
  wrong.writeUInt32LE(1, wrong.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 16)
  t.equal(await code(wrong), 'records.compression', 'another checksum')
  t.equal(
    await code(zip({ 'a.csv': `id\n${'1\n'.repeat(200_000)}` })),
    'records.compression',
    'a bomb',
  )
  const locked = Buffer.from(good)
  locked.writeUInt16LE(1, locked.indexOf(Buffer.from([0x50, 0x4b, 1, 2])) + 8)
  t.equal(await code(locked), 'records.compression', 'a password')
  for (let at = 0; at < good.length; at++) {
    const bent = Buffer.from(good)
    bent[at] = 0xff
    const api = await rows(bent, 'format: csv').catch((error: Error) => error)
    t.ok(Array.isArray(api) || api.name === 'DerrickError', `byte ${at}`)
  }
})
