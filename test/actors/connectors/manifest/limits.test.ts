import t from 'tap'
import { makeLocalGovernor } from '../../../../actors/connectors/manifest/limits.ts'
import type { Limit } from '../../../../schema/manifest/limit.ts'
import { jumpingClock, manifestOf, readAll, startApi } from '../test-api.ts'

const signal = new AbortController().signal
const governor = (limits: Limit[], maxInFlight = 100) => {
  const clock = jumpingClock(0)
  return { clock, ...makeLocalGovernor({ limits, maxInFlight, clock }) }
}

t.test('never more than the budget in any window of its length', async (t) => {
  const { clock, enter } = governor([{ requests: 5, per_ms: 1_000 }])
  const starts: number[] = []
  await Promise.all(
    Array.from({ length: 23 }, async () => {
      const leave = await enter('/a', signal)
      starts.push(clock.now())
      leave()
    }),
  )
  t.equal(starts.length, 23)
  for (const at of starts)
    t.ok(starts.filter((other) => other >= at && other < at + 1_000).length <= 5)
  t.equal(starts.at(-1), 4_000, 'and no slower than need be')
})

t.test('the first match decides, and all limits with it apply', async (t) => {
  const { clock, enter } = governor([
    { match: '^/events', requests: 2, per_ms: 1_000 },
    { match: '^/events', requests: 3, per_ms: 60_000 },
    { requests: 1, per_ms: 10_000 },
  ])
  for (let n = 0; n < 3; n++) (await enter('/events', signal))()
  t.equal(clock.now(), 1_000)
  ;(await enter('/other', signal))()
  ;(await enter('/other', signal))()
  t.equal(clock.now(), 11_000)
  ;(await enter('/events', signal))()
  t.equal(clock.now(), 60_000)
})

t.test('requests in flight are bounded, and an abort gives up the place', async (t) => {
  const { enter } = governor([{ concurrency: 2 }], 3)
  const leave = [await enter('/a', signal), await enter('/a', signal)]
  const abort = new AbortController()
  const waiting = enter('/a', abort.signal)
  abort.abort(new Error('cancelled'))
  await t.rejects(waiting, { message: 'cancelled' })
  let admitted = false
  const next = enter('/a', signal).then((done) => {
    admitted = true
    return done
  })
  await Promise.resolve()
  t.notOk(admitted)
  leave[0]?.()
  leave[0]?.()
  await next
  const blocked = enter('/a', signal)
  leave[1]?.()
  ;(await blocked)()
})

t.test('what headers and costs say slows down', async (t) => {
  const shop = governor([
    { requests: 40, per_ms: 20_000, remaining_header: 'X-Limit', slow_below: 0.25 },
  ])
  const spend = async (
    governor: typeof shop,
    headers: Record<string, string>,
    response: unknown = null,
  ) => {
    ;(await governor.enter('/a', signal))({ status: 200, headers, response })
    const before = governor.clock.now()
    ;(await governor.enter('/a', signal))()
    return governor.clock.now() - before
  }
  t.equal(await spend(shop, { 'x-limit': '8/40' }), 0)
  t.ok((await spend(shop, { 'x-limit': '38/40' })) >= 500)
  const reset = governor([
    { remaining_header: 'left', limit_header: 'most', reset_header: 'reset', slow_below: 0.5 },
  ])
  t.equal(await spend(reset, { left: '2', most: '10', reset: '6' }), 3_000)
  t.equal(await spend(reset, { left: 'many', most: '10', reset: '6' }), 0)
  const points = governor([{ cost_at: 'cost', slow_below: 0.5 }])
  const cost = { maximumAvailable: 1_000, currentlyAvailable: 300, restoreRate: 50 }
  t.equal(await spend(points, {}, { cost }), 4_000)
  t.equal(await spend(points, {}, { cost: { ...cost, restoreRate: 0 } }), 0)
})

t.test('a pause holds everybody', async (t) => {
  const { clock, enter, pause } = governor([])
  pause(5_000)
  ;(await enter('/a', signal))()
  t.equal(clock.now(), 5_000)
})

t.test("a limit's match looks at the path below base_url, of next pages too", async (t) => {
  const api = await startApi(({ path, query }) => {
    const next: string | null = query.has('next') ? null : `${api.url}${path}?next=1`
    return { data: [{ id: path }], next }
  })
  const took = async (path: string) => {
    const clock = jumpingClock(0)
    const manifest = manifestOf(`
api:
  base_url: "${api.url}/api/v2/"
  limits:
    - {match: "^/slow", requests: 1, per: 7s}
    - {requests: 100, per: 1s}
defaults: {records: {at: data}, paging: {type: next_url, at: next}}
streams: {items: {path: ${path}}}
`)
    const { records } = await readAll({ manifest, clock })
    t.equal(records.length, 2)
    return clock.now()
  }
  t.equal(await took('/slow'), 7_000)
  t.equal(await took('slow/x'), 7_000, 'with a slash of its own or without')
  t.equal(await took('/quick'), 0)
  t.equal(await took('/api/v2/slow'), 0, 'the base is no part of it')
})
