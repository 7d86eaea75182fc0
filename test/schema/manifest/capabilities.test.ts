import t from 'tap'
import Value from 'typebox/value'
import {
  enabledStreams,
  StreamCapabilities,
  streamCapabilities,
} from '../../../schema/manifest/capabilities.ts'
import {
  ConnectorInfo,
  describeBrokenConnector,
  describeConnector,
} from '../../../schema/manifest/connector-info.ts'
import { load, loadFixture } from './support.ts'

const newsletter = loadFixture('newsletter')
const of = (stream: string, config?: Record<string, unknown>) =>
  streamCapabilities(newsletter, stream, config)

t.test('what the window says to the range engine', (t) => {
  t.match(of('profiles'), {
    window: true,
    end_filter: true,
    newest_first: true,
    newest_first_reason: undefined,
    granularities: ['day', 'hour'],
    order: 'asc',
    tracks: 'updates',
    primary_key: ['id'],
    cursor_field: 'attributes.updated',
    settle_ms: 60_000,
    revise_ms: 0,
    max_age_ms: null,
    path: '/profiles',
  })
  t.match(of('lists'), { newest_first: false, newest_first_reason: /oldest first/ })
  t.match(of('audit_log'), { newest_first: false, newest_first_reason: /by itself/, order: 'desc' })
  t.match(of('daily_report'), { granularities: ['day'], tracks: 'report', revise_ms: 259_200_000 })
  t.match(streamCapabilities(loadFixture('storefront'), 'locations'), {
    window: false,
    newest_first: false,
    newest_first_reason: /whole/,
    granularities: [],
    tracks: 'none',
    cursor_field: null,
  })
  t.equal(of('constructor'), undefined)
  t.ok(Value.Check(StreamCapabilities, of('events')))
  t.end()
})

t.test('what depends on the config of a source', (t) => {
  t.equal(of('events')?.revise_ms, 2 * 86_400_000, 'the default of the field')
  t.equal(of('events', { late_days: 5 })?.revise_ms, 5 * 86_400_000)
  t.notOk(enabledStreams(newsletter, {}).includes('daily_report'))
  t.ok(enabledStreams(newsletter, { with_reports: true }).includes('daily_report'))
  t.end()
})

t.test('a connector as the API shows it', (t) => {
  const info = describeConnector(newsletter)
  t.ok(Value.Check(ConnectorInfo, info))
  t.equal(info.streams.length, 6)
  t.match(info.fields[0], {
    name: 'api_key',
    title: 'Private API key',
    secret: true,
    required: true,
  })
  t.match(
    info.fields.find((field) => field.name === 'region'),
    { title: 'Region', enum: ['eu', 'us'], default: 'us', secret: false },
  )
  const { issues } = load('derrick: 1\n')
  const broken = describeBrokenConnector('shop', issues)
  t.ok(Value.Check(ConnectorInfo, broken))
  t.match(broken, { status: 'broken', streams: [], issues: [{ severity: 'error' }] })
  t.end()
})
