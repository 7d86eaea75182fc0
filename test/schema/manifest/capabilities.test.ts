import t from 'tap'
import Value from 'typebox/value'
import {
  enabledStreams,
  StreamCapabilities,
  streamCapabilities,
} from '../../../schema/manifest/capabilities.ts'
import { loadFixture } from './support.ts'

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
