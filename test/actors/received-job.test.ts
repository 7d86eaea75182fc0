import t from 'tap'
import { openSession } from '../../actors/connectors/manifest/session.ts'
import { planStream } from '../../actors/connectors/manifest/stream-plan.ts'
import { ReceivedJobs } from '../../actors/received-job.ts'
import { sentJob } from '../../runtime/engine/sent-job.ts'
import type { RangeJob } from '../../schema/protocol.ts'
import { manifestOf } from './connectors/test-api.ts'

const manifest = (path: string) =>
  manifestOf(`
config: {token: {secret: true}}
api: {base_url: "https://api.example.com"}
auth: {type: bearer, token: "{{ config.token }}"}
streams: {things: {path: ${path}}, others: {path: /others}}
`)

const target = (table: string) => ({ destinationId: 'dst_1', table }) as RangeJob['target']

const jobOf = (parts: Partial<RangeJob>, id = 1): RangeJob =>
  ({
    runId: 'run_1',
    range: { id, start: 0, end: 1, committedFence: Number.POSITIVE_INFINITY },
    ...parts,
  }) as RangeJob

/** As it crosses threads. */
const sent = (job: RangeJob) => structuredClone(sentJob(job))

t.test('a job arrives as it was, and shares with others what is the same', async (t) => {
  const jobs = new ReceivedJobs()
  const connector = { manifest: manifest('/things'), streamName: 'things' }
  const parts = { connector, config: { token: 'a' }, target: target('things') }
  const [one, two] = [jobOf(parts, 1), jobOf(parts, 2)]
  const [opened, other] = [jobs.open(sent(one)), jobs.open(sent(two))]
  t.strictSame(opened, one)
  t.equal(other.range.id, 2)
  t.equal(other.connector.manifest, opened.connector.manifest)
  t.equal(other.config, opened.config)
  t.equal(other.target, opened.target)
})

t.test('what was edited arrives, whichever part it is', async (t) => {
  const jobs = new ReceivedJobs()
  const parts = {
    connector: { manifest: manifest('/things'), streamName: 'things' },
    config: { token: 'a' },
    target: target('things'),
  }
  jobs.open(sent(jobOf(parts)))
  const edits: Partial<RangeJob>[] = [
    { connector: { manifest: manifest('/elsewhere'), streamName: 'things' } },
    { connector: { ...parts.connector, streamName: 'others' } },
    { config: { token: 'b' } },
    { target: target('other') },
  ]
  for (const edit of edits) {
    const job = jobOf({ ...parts, ...edit })
    t.strictSame(jobs.open(sent(job)), job)
  }
})

t.test('a worker keeps a bounded number of parts', async (t) => {
  const jobs = new ReceivedJobs()
  for (let i = 0; i < 300; i += 1) {
    const connector = { manifest: manifest(`/things${i}`), streamName: 'things' }
    jobs.open(sent(jobOf({ connector, config: { token: `${i}` }, target: target('things') })))
  }
  t.equal(jobs.manifests.size, 64)
  t.equal(jobs.settings.size, 256)
})

t.test('a session and its plans last until config, manifest or zone change', async (t) => {
  const http = { send: () => Promise.reject(new Error('no request is sent')) }
  const [first, second] = [manifest('/things'), manifest('/elsewhere')]
  const config = { token: 'a' }
  const options = { config, http, clock: { now: () => 0 }, random: Math.random }
  const session = openSession({ ...options, manifest: first })
  const pathOf = (plan: ReturnType<typeof planStream>) => plan.stream.path
  t.equal(openSession({ ...options, manifest: first }), session)
  t.equal(planStream(session, 'things').pager, planStream(session, 'things').pager)
  t.not(planStream(session, 'others').pager, planStream(session, 'things').pager)
  const edited = openSession({ ...options, manifest: second })
  t.equal(pathOf(planStream(edited, 'things')), '/elsewhere')
  t.equal(pathOf(planStream(session, 'things')), '/things')
  t.not(openSession({ ...options, manifest: first, config: { token: 'b' } }), session)
  t.not(openSession({ ...options, manifest: first, timezone: 'Asia/Tokyo' }), session)
  t.equal(openSession({ ...options, manifest: first }), session)
})
