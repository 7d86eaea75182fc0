import { gzipSync } from 'node:zlib'
import t from 'tap'
import { failureOf, ids, manifestOf, readAll, startApi } from '../test-api.ts'

/** Reads one page with these `records` and `fields`. */
async function read(body: unknown, records: string, more = '', config = {}) {
  const api = await startApi((_call, response) => {
    if (typeof body !== 'string' && !Buffer.isBuffer(body)) return body
    response.end(body)
    return undefined
  })
  const manifest = manifestOf(`
config: {prefix: {}}
api: {base_url: "${api.url}"}
streams:
  items:
    path: /items
    key: [id]
    records: ${records}
    ${more}
`)
  try {
    return await readAll({ manifest, config })
  } finally {
    await api.close()
  }
}

t.test('records are found and shaped', async (t) => {
  const rows = [{ id: 1 }, { id: 2 }]
  const cases: [unknown, string][] = [
    [rows, '{}'],
    [{ a: { b: rows } }, '{at: a.b}'],
    [{ b: rows }, '{at: a, or_at: b}'],
    [{ groups: [{ list: [rows[0]] }, { list: [rows[1]] }] }, '{at: "groups.*.list"}'],
    [{ a: { x: rows[0], y: rows[1] } }, '{at: a, shape: values}'],
    [[['id'], [1], [2]], '{shape: table}'],
    ['{"id":1}\n\n{"id":2}\r\n', '{format: jsonl}'],
    [gzipSync(JSON.stringify(rows)), '{}'],
  ]
  for (const [body, records] of cases) t.same((await read(body, records)).records, rows, records)
  t.same((await read({ x: { id: 3 } }, '{at: x, shape: object}')).records, [{ id: 3 }])
  t.same((await read(['a', 1], '{shape: scalars}')).records, [{ value: 'a' }, { value: 1 }])
  t.same((await read({ groups: [] }, '{at: "groups.*.list"}')).records, [], 'no groups, no records')
})

t.test('expand makes a record of each inner item', async (t) => {
  const body = [
    { id: 1, at: 'x', shop: { name: 's' }, lines: [{ id: 11, at: 'own' }, { id: 12 }] },
    { id: 2, at: 'y', lines: [] },
    { id: 3, at: 'z' },
  ]
  t.same((await read(body, '{expand: {at: lines, keep: [at, shop.name]}}')).records, [
    { at: 'own', shop: { name: 's' }, id: 11 },
    { at: 'x', shop: { name: 's' }, id: 12 },
  ])
  const all = (await read(body, '{expand: {at: lines, keep: all, as: line}}')).records
  t.same(
    all.map(({ id, line }) => [id, (line as { id: number }).id]),
    [
      [1, 11],
      [1, 12],
    ],
  )
})

t.test('where filters, and JSON:API resources are put in', async (t) => {
  const rows = [
    { id: 1, ok: true },
    { id: 2, ok: false },
  ]
  t.same(ids((await read(rows, '{where: record.ok}')).records), [1])
  const api = {
    data: [
      {
        type: 'event',
        id: '1',
        relationships: {
          who: { data: { type: 'p', id: '9' } },
          tags: {
            data: [
              { type: 't', id: 'a' },
              { type: 't', id: 'gone' },
            ],
          },
        },
      },
      { type: 'event', id: '2', relationships: { who: { data: null } } },
    ],
    included: [
      { type: 'p', id: '9', name: 'Ann' },
      { type: 't', id: 'a' },
    ],
  }
  const { records } = await read(api, '{at: data, include: jsonapi}')
  t.same(records[0]?.included, {
    who: { type: 'p', id: '9', name: 'Ann' },
    tags: [{ type: 't', id: 'a' }],
  })
  t.notOk('included' in (records[1] ?? {}))
})

t.test('hostile items are rejected one by one, names and digits are kept', async (t) => {
  const deep = `{"id":3,"deep":${'['.repeat(600)}${']'.repeat(600)}}`
  const text = `[{"id":12345678901234567890,"__proto__":{"admin":true},"constructor":1,"then":2},42,${deep},{"id":4,"price":0.1000000000000000055511151231257827}]`
  const { pages, records } = await read(text, '{}')
  t.equal(
    JSON.stringify(records),
    '[{"id":12345678901234567890,"__proto__":{"admin":true},"constructor":1,"then":2},{"id":4,"price":0.1000000000000000055511151231257827}]',
  )
  t.same(
    pages[0]?.rejects?.map(({ reason, where }) => [reason, where]),
    [
      ['not an object', 'item 1 of its page'],
      ['nested deeper than 512', 'id 3'],
    ],
  )
  t.equal(({} as Record<string, unknown>).admin, undefined)
})

t.test('fields are set, moved and taken out, in order', async (t) => {
  const row = { id: 1, a: { b: 2, c: { d: 'x' } }, Name: 'N', empty: '', none: null, list: [] }
  const change = async (fields: string, body: unknown = [row]) =>
    (await read(body, '{}', `fields: ${fields}`, { prefix: 'p' })).records[0]
  t.match(await change('[{set: total, to: "{{ record.a.b * 2 }}"}]'), { total: 4 })
  t.match(await change('[{set: a.c.e, to: "{{ config.prefix }}-{{ record.id }}"}]'), {
    a: { b: 2, c: { d: 'x', e: 'p-1' } },
  })
  t.match(await change('[{set: x, to: 1, when: record.id == 2}]'), { x: undefined })
  t.same((await change('[{remove: a.c}]'))?.a, { b: 2 })
  const moved = await change('[{rename: {a.b: bee, Name: id, id: Name}}]')
  t.match(moved, { bee: 2, id: 'N', Name: 1 })
  t.match(await change('[{flatten: a, prefix: a_}]'), { a_b: 2, a_c: { d: 'x' }, a: undefined })
  t.match(await change('[{flatten: ""}]'), { id: 1, b: 2, c: { d: 'x' }, a: undefined })
  t.same(Object.keys((await change('[{names: lower}]')) ?? {})[2], 'name')
  t.match(await change('[{null_if: ["", "N"]}]'), { Name: null, empty: null, id: 1 })
  t.same(Object.keys((await change('[{drop_empty: true}]')) ?? {}), ['id', 'a', 'Name'])
  const one =
    '[{set: y, to: "{{ record.x }}", as: int}, {set: z, to: "{{ record.x }}", as: string}]'
  t.equal(
    JSON.stringify(await change(one, [{ x: '12345678901234567890' }])),
    '{"x":"12345678901234567890","y":12345678901234567890,"z":"12345678901234567890"}',
  )
  t.match(
    await failureOf(
      read([{ x: 'abc' }], '{}', 'fields: [{set: y, to: "{{ record.x }}", as: number}]'),
    ),
    { category: 'transform', code: 'fields.value' },
  )
})

t.test('a field that is not there is a transform failure that names it', async (t) => {
  const failure = await failureOf(
    read([{ id: 1 }], '{}', 'fields: [{set: y, to: "{{ record.missing }}"}]'),
  )
  t.equal(failure.category, 'transform')
  t.match(failure.message, 'missing')
})

t.test('records that the source marks as deleted are told apart, as they land', async (t) => {
  const rows = [
    { id: 1, state: 'live' },
    { id: 2, state: 'gone' },
    { id: 3, state: null },
  ]
  const more = 'deletes: flag\n    deleted_if: record.status == "gone"'
  const { pages } = await read(rows, '{}', `fields: [{rename: {state: status}}]\n    ${more}`)
  t.strictSame(ids([...(pages[0]?.deleted ?? [])]), [2])
  t.equal(pages[0]?.records.length, 3, 'they are records all the same')
  const none = await read(rows.slice(0, 1), '{}', 'deletes: flag\n    deleted_if: record?.x == 1')
  t.equal(none.pages[0]?.deleted, undefined)
})
