import t from 'tap'
import { destinationConfigs } from '../../schema/destination.ts'
import {
  choicesOf,
  granularityOf,
  newestFirstOff,
  type OfferedStream,
} from '../../web/connection/offered.ts'
import { visibleFields } from '../../web/form/condition.ts'
import { type FormField, fieldsOfManifest, fieldsOfSchema } from '../../web/form/field.ts'
import { draftOf, readForm } from '../../web/form/values.ts'

const fields = fieldsOfManifest({
  shop: { type: 'string', required: true },
  method: { enum: ['token', 'oauth'], default: 'token' },
  token: { secret: true, required: true, show_if: 'config.method == "token"' },
  size: { type: 'integer', min: 1, max: 10, default: 5 },
  tags: { type: 'list' },
  extra: { type: 'json' },
  deep: { type: 'boolean' },
})
const named = (name: string) => fields.find((field) => field.name === name) as FormField

t.test('fields come from a manifest', async (t) => {
  t.equal(named('shop').title, 'Shop')
  t.equal(named('method').kind, 'choice')
  t.equal(named('size').integer, true)
  t.equal(named('size').required, false)
})

t.test('fields come from a destination’s schema', async (t) => {
  const found = fieldsOfSchema(destinationConfigs.postgres)
  const url = found.find((field) => field.name === 'url')
  t.match(url, { secret: true, required: true, kind: 'text' })
  t.same(found.find((field) => field.name === 'ssl')?.choices, [
    'disable',
    'prefer',
    'require',
    'verify',
  ])
  t.equal(found.find((field) => field.name === 'ssl_ca')?.kind, 'long')
  t.match(
    fieldsOfSchema(destinationConfigs.local_file).find((field) => field.name === 'path'),
    { required: true },
  )
})

t.test('a new config holds what was given, nothing else', async (t) => {
  const draft = {
    ...draftOf(fields, {}),
    shop: ' acme ',
    token: ' s p ',
    size: '7',
    tags: 'a\n b,c ',
  }
  const { config, errors } = readForm(fields, draft)
  t.same(errors, [])
  t.same(config, { shop: 'acme', method: 'token', token: ' s p ', size: 7, tags: ['a', 'b', 'c'] })
})

t.test('what is wrong is said for every field at once', async (t) => {
  const draft = { ...draftOf(fields, {}), size: '99', extra: '{' }
  const { errors } = readForm(fields, draft)
  t.same(
    errors.map((error) => error.field),
    ['config.shop', 'config.token', 'config.size', 'config.extra'],
  )
})

t.test('over a stored config an empty secret stays and an emptied field goes', async (t) => {
  const stored = {
    shop: 'acme',
    method: 'oauth',
    token: { set: true, hint: '…4f2a' },
    size: 7,
    deep: true,
  }
  const draft = draftOf(fields, stored)
  t.equal(draft.token, '', 'a stored secret is never in the form')
  t.equal(draft.size, '7')
  const { config, errors } = readForm(fields, { ...draft, size: '', deep: false }, stored)
  t.same(errors, [])
  t.same(config, { shop: 'acme', method: 'oauth', size: null, deep: false })
  t.notOk(Object.hasOwn(config, 'token'))
})

t.test('names from Object are names like any other', async (t) => {
  const odd = fieldsOfManifest(Object.fromEntries([['constructor', { type: 'string' as const }]]))
  t.equal(draftOf(odd, {}).constructor, '')
})

t.test(
  'conditions decide what is asked for; one that can’t be decided hides nothing',
  async (t) => {
    const names = (config: Record<string, unknown>) =>
      visibleFields(fields, config).map((field) => field.name)
    t.ok(names({ method: 'token' }).includes('token'))
    t.notOk(names({ method: 'oauth' }).includes('token'))
    const broken = [{ ...named('token'), showIf: 'config..' }]
    t.equal(visibleFields(broken, {}).length, 1)
  },
)

const offered = (changes: Partial<OfferedStream>): OfferedStream => ({
  name: 'orders',
  enabled: true,
  window: true,
  end_filter: true,
  start_filter: true,
  newest_first: true,
  granularities: ['day', 'hour'],
  order: 'asc',
  tracks: 'updates',
  primary_key: ['id'],
  cursor_field: 'updated_at',
  types: {},
  settle_ms: 0,
  revise_ms: 0,
  max_age_ms: null,
  deletes: 'none',
  path: '/orders',
  warnings: [],
  ...changes,
})

t.test('newest first is chosen where it works, and says why where not', async (t) => {
  const list = [
    offered({}),
    offered({ name: 'refunds', newest_first: false, newest_first_reason: 'no end date' }),
    offered({ name: 'hidden', enabled: false }),
  ]
  t.same(choicesOf(list, []), [
    { name: 'orders', chosen: true, strategy: 'newest_first' },
    { name: 'refunds', chosen: true, strategy: 'oldest_first' },
  ])
  t.same(
    choicesOf(list, [{ source_stream: 'orders' }]),
    [{ name: 'refunds', chosen: false, strategy: 'oldest_first' }],
    'more streams are chosen by hand',
  )
  t.equal(newestFirstOff(list[0]), undefined)
  t.equal(newestFirstOff(list[1]), 'no end date')
})

t.test('a stream never gets ranges that its API can’t honour', async (t) => {
  t.equal(granularityOf(offered({}), 'hour'), 'hour')
  t.equal(granularityOf(offered({ granularities: ['day'] }), 'hour'), 'day')
  t.equal(granularityOf(offered({ granularities: [] }), 'day'), undefined)
})
