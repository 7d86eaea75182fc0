import type { ReadPage, ReadRequest, StreamReader } from '../reader.ts'
import { eachOf } from './for-each.ts'
import { readQuery } from './query.ts'
import type { ReadScope } from './scope.ts'
import { openSession, type SourceOptions } from './session.ts'
import { planStream, type StreamPlan } from './stream-plan.ts'
import { noWindow, type Span, spansOf } from './window.ts'

/**
 * A reader of one stream of a manifest. Readers of one source within a worker share its sign-in and its rate budget.
 * @throws DerrickError when the manifest or config cannot be used: manifest.*, auth.config
 */
export function makeStreamReader(options: SourceOptions & { streamName: string }): StreamReader {
  const session = openSession(options)
  const plan = planStream(session, options.streamName)
  return { pages: (request) => readStream(plan, request) }
}

/** All pages of a stream: every value of `for_each`, every span that the API takes at a time. */
export async function* readStream(
  plan: StreamPlan,
  request: ReadRequest,
): AsyncGenerator<ReadPage, void, undefined> {
  const { session, stream } = plan
  const { window } = stream
  const scope: ReadScope = {
    config: session.config,
    source: { timezone: session.timezone },
    now: session.clock.now(),
    window: noWindow,
    each: {},
    job: {},
    auth: {},
  }
  const spans: (Span | null)[] = window && request.window ? spansOf(window, request.window) : [null]
  for await (const each of eachOf(plan, scope, request)) {
    for (const span of spans) {
      yield* readQuery({ plan, span, scope: { ...scope, each }, request })
    }
  }
}
