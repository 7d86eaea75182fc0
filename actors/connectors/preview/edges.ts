import type { Window } from '../../../schema/manifest/window.ts'
import type { PreviewEdge } from '../../../schema/preview.ts'
import type { Row } from '../../destinations/writer.ts'
import { makeOwnership } from '../manifest/ownership.ts'
import { readStream } from '../manifest/reader.ts'
import type { StreamPlan } from '../manifest/stream-plan.ts'
import { type Span, spanTick, windowValues } from '../manifest/window.ts'

/** What trying the edges of a window has shown. */
export interface EdgeFindings {
  start: PreviewEdge
  end: PreviewEdge | null
  /** records that came far outside of what was asked: the API does not look at the parameter */
  ignored: { start: boolean; end: boolean }
  /** a window around a record's own time does not give the record */
  misread: boolean
}

type Found = PreviewEdge['found']

/** Pages of one try: the record is near the edge that was asked for. */
const pagesOfATry = 2
const dayMs = 86_400_000

/**
 * Asks for a window that begins exactly at a record's time, and for one that ends exactly there: the record is in the
 * answer or it is not. Null when no record has a time that can be written exactly.
 */
export async function tryEdges(
  plan: StreamPlan,
  records: readonly Row[],
  signal: AbortSignal,
): Promise<EdgeFindings | null> {
  const { window } = plan.stream
  if (!window) return null
  const timeOf = makeOwnership(window, plan.zone, false).timeOf
  const edge = edgeTime(records, timeOf, window, plan.zone)
  if (!edge) return null
  const naked = nakedPlan(plan, window)
  const { tick } = edge
  const times = async (span: Span): Promise<number[]> => {
    const found: number[] = []
    let pages = 0
    const request = { window: span, signal, onWait: () => {} }
    for await (const page of readStream(naked, request)) {
      for (const record of page.records) {
        const time = timeOf(record)
        if (typeof time === 'number') found.push(time)
      }
      pages += 1
      if (pages === pagesOfATry) break
    }
    return found
  }
  const step = Math.max(tick, smallestStep[window.unit])
  const after = { start: edge.at, end: edge.at + step }
  const near = (time: number): boolean => time >= edge.at && time < edge.at + tick
  const later = await times(after)
  const start: Found = later.some(near) ? (edge.isExact ? 'inclusive' : 'unknown') : 'exclusive'
  const sent = (value: string | number | null): string | null =>
    value === null ? null : `${value}`
  const values = windowValues(asDeclared(window), after, plan.zone)
  const findings: EdgeFindings = {
    start: startEdge(window, start, sent(values.start)),
    end: null,
    ignored: { start: later.some((time) => time < edge.at - dayMs), end: false },
    misread: false,
  }
  if (!window.end_filter) return findings
  const before = { start: edge.at - step, end: edge.at }
  const earlier = await times(before)
  const end: Found = earlier.some(near) ? 'inclusive' : 'exclusive'
  findings.end = endEdge(window, end, sent(values.start), tick === dayMs)
  findings.ignored.end = earlier.some((time) => time >= edge.at + step + dayMs)
  if (start !== 'exclusive' || end !== 'exclusive') return findings
  // Neither side has it: the API excludes both ends, or takes the times that were sent for others than were meant.
  const around = await times({ start: edge.at - step, end: edge.at + step })
  findings.misread = !around.some(near)
  return findings
}

const smallestStep = { second: 1_000, hour: 3_600_000, day: dayMs } as const

/** Edges go out as they are, and nothing that comes is left out. */
function nakedPlan(plan: StreamPlan, window: Window): StreamPlan {
  return { ...plan, ownership: null, stream: { ...plan.stream, window: asDeclared(window) } }
}

/** For a day's format `exclusive` sends the very day, as for all others. */
const asDeclared = (window: Window): Window => ({
  ...window,
  start_is: 'inclusive',
  end_is: 'exclusive',
})

/** The time of a record, cut to what the format can say; exact ones first. */
function edgeTime(
  records: readonly Row[],
  timeOf: (record: Row) => number | null | undefined,
  window: Window,
  zone: string,
): { at: number; tick: number; isExact: boolean } | null {
  let best: { at: number; tick: number; isExact: boolean } | null = null
  for (const record of records) {
    const time = timeOf(record)
    if (typeof time !== 'number') continue
    const { at, tick } = spanTick(time, window.format, zone)
    if (at === time || tick === dayMs) return { at, tick, isExact: true }
    best ??= { at, tick, isExact: false }
  }
  return best
}

function startEdge(window: Window, found: Found, sent: string | null): PreviewEdge {
  const declared = window.start_is
  const text = {
    inclusive: 'a record with exactly the start’s time comes',
    exclusive: 'a record with exactly the start’s time does not come',
    unknown: 'no record has a time exactly at the edge, so it can’t be told',
  }[found]
  return { declared, found, sent, text }
}

function endEdge(window: Window, found: Found, sent: string | null, isDay: boolean): PreviewEdge {
  const what = isDay ? 'the day that is named as the end' : 'exactly the end’s time'
  const text =
    found === 'inclusive' ? `a record of ${what} comes` : `a record of ${what} does not come`
  return { declared: window.end_is, found, sent, text }
}
