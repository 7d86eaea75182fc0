import { derrickError } from '../../../schema/error.ts'
import { ExpressionError } from '../../../schema/manifest/expression/error.ts'
import type { ReadPage, ReadRequest, StreamReader } from '../reader.ts'
import { type Pass, passesOf, type ReadParent } from './for-each.ts'
import { isResumable, readQuery } from './query.ts'
import { rawReading } from './raw-document.ts'
import type { ReadScope } from './scope.ts'
import { openSession, type SourceOptions } from './session.ts'
import { planStream, type StreamPlan } from './stream-plan.ts'
import { noWindow, type Span, spansOf } from './window.ts'

/**
 * A reader of one stream of a manifest. Readers of one source within a worker share its sign-in and its rate budget.
 * @throws DerrickError when the manifest or config cannot be used: manifest.*, auth.config
 */
export function makeStreamReader(options: SourceOptions & { streamName: string }): StreamReader {
  const plan = planOf(options)
  return { isResumable: isResumable(plan), pages: (request) => readStream(plan, request) }
}

function planOf(options: SourceOptions & { streamName: string }): StreamPlan {
  try {
    return planStream(openSession(options), options.streamName)
  } catch (error) {
    throw explained(error, options.streamName)
  }
}

/** An expression that meets values it was not made for is the manifest's matter. Everything else stays what it is. */
function explained(error: unknown, stream: string): unknown {
  if (!(error instanceof ExpressionError)) return error
  return derrickError('transform', `expression.${error.code}`, `${stream}: ${error.message}`, {
    cause: error,
    remedy: 'check the expressions of this stream; x?.y and ?? allow for what may be missing',
  })
}

/** All pages of a stream: every pass of `for_each`, every span that the API takes at a time. */
export async function* readStream(
  plan: StreamPlan,
  request: ReadRequest,
): AsyncGenerator<ReadPage, void, undefined> {
  try {
    for await (const { page } of readPasses(plan, request)) yield page
  } catch (error) {
    throw explained(error, plan.name)
  }
}

/** As readStream, with the values of `for_each` that each page came from. */
async function* readPasses(
  plan: StreamPlan,
  request: ReadRequest,
): AsyncGenerator<{ page: ReadPage; pass: Pass }, void, undefined> {
  const { session, stream } = plan
  const { window } = stream
  const base: ReadScope = {
    config: session.config,
    source: { timezone: session.timezone },
    now: session.clock.now(),
    window: noWindow,
    each: {},
    job: {},
    auth: {},
  }
  const asked = request.window ?? (plan.request.usesWindow ? { start: 0, end: base.now } : null)
  const raw = request.raw ? rawReading(plan, request.raw) : null
  const spans: (Span | null)[] = window && asked ? spansOf(window, asked) : [null]
  for await (const pass of passesOf(plan, base, request, parentReader(plan))) {
    const scope = { ...base, each: pass.each }
    for (const span of spans) {
      for await (const page of readQuery({ plan, span, scope, sends: pass.sends, request, raw }))
        yield { page, pass }
    }
  }
}

/** Parents are streams of the same source; the loader has made sure that none is its own ancestor. */
function parentReader({ source }: StreamPlan): ReadParent {
  return async function* (name, { raw: _, ...request }) {
    const parent = planStream(source, name)
    for await (const { page, pass } of readPasses(parent, request)) {
      for (const record of page.records) yield { record, each: pass.each }
    }
  }
}
