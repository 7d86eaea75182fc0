/** What reads of one source share outlives each of them. */
import type { MessagePort } from 'node:worker_threads'
import t from 'tap'
import type { RequestDraft } from '../../../../actors/connectors/manifest/draft.ts'
import { openSession, streamSession } from '../../../../actors/connectors/manifest/session.ts'
import { GovernorLines } from '../../../../actors/governor-lines.ts'
import { RangeGate } from '../../../../actors/range-gate.ts'
import { http, jumpingClock, manifestOf, startApi } from '../test-api.ts'

const never = new AbortController().signal
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

t.test("a stream's own sign-in doesn't hang on the range that used it first", async (t) => {
  const api = await startApi(() => ({ access_token: 'fresh' }))
  const manifest = manifestOf(`
api: {base_url: "${api.url}"}
auth: {type: none}
check: {request: {path: /items}}
streams:
  items:
    path: /items
    auth: {type: oauth2, grant: client_credentials, token_url: "${api.url}/token", client_id: me, client_secret: s}
    records: {at: data}
`)
  const ports: MessagePort[] = []
  const lines = new GovernorLines()
  t.teardown(() => {
    for (const port of ports) port.close()
  })
  const cell = { board: new SharedArrayBuffer(4), at: 0 }
  const config = {}
  const sessionOf = (isHeld: boolean) => {
    Atomics.store(new Int32Array(cell.board), 0, isHeld ? 1 : 0)
    const gate = new RangeGate(isHeld ? cell : undefined, { onHeld: () => {}, onAsked: () => {} })
    const source = { sourceId: 'src', connector: { manifest, streamName: 'items' } }
    const governor = lines.governorOf(
      { ...source, lane: 'history' },
      (port) => ports.push(port),
      gate,
    )
    const options = { manifest, config, http, clock: jumpingClock(), random: () => 0.5, governor }
    return streamSession(openSession(options), 'items')
  }
  const draft = (): RequestDraft => ({
    method: 'GET',
    url: api.url,
    query: new Map(),
    tail: '',
    headers: new Map(),
    body: null,
  })

  const cancel = new AbortController()
  const first = sessionOf(true).signIn.sign(draft(), cancel.signal)
  await turn()
  cancel.abort(new Error('put back'))
  await first.catch(() => {})
  const next = sessionOf(false)
  await next.signIn.sign(draft(), never)
  t.equal(api.calls.length, 1, 'the token was fetched, though the first range is held still')
})
