import type { ServerResponse } from 'node:http'
import { type Answer, bomb, cut, malformed, send, sendAsIs, slowly, stall } from './delivery.ts'
import type { Fault } from './fault.ts'
import type { PageTwist } from './page-body.ts'

/** How a fault changes what is in a page; null where the page itself is honest. */
export function twistOf(fault: Fault): PageTwist | null {
  switch (fault.kind) {
    case 'lying_count':
      return { countDelta: fault.delta }
    case 'repeat_page':
      return { repeat: true }
    case 'foreign_next':
      return { foreignOrigin: fault.origin ?? 'http://198.51.100.7' }
    case 'hostile':
      return { hostile: fault.records }
    default:
      return null
  }
}

/** Whether the fault is answered without looking at the data. */
export function needsPage(fault: Fault): boolean {
  return fault.kind !== 'status' && fault.kind !== 'gzip_bomb'
}

/** Sends the answer with the fault played on it. Rejects when the client goes away in a wait. */
export async function playFault(
  response: ServerResponse,
  answer: Answer | null,
  fault: Fault,
  signal: AbortSignal,
): Promise<void> {
  if (fault.kind === 'status') return send(response, statusAnswer(fault))
  if (fault.kind === 'gzip_bomb') return send(response, bomb(fault))
  if (answer === null) throw new TypeError(`a ${fault.kind} fault needs an answer to play on`)
  switch (fault.kind) {
    case 'cut':
      return cut(response, answer, fault)
    case 'stall':
      return stall(response, answer, fault, signal)
    case 'slow':
      return slowly(response, answer, fault, signal)
    case 'malformed':
      return sendAsIs(response, malformed(answer, fault.how))
    default:
      return send(response, answer)
  }
}

function statusAnswer(fault: Extract<Fault, { kind: 'status' }>): Answer {
  const body =
    fault.body ?? JSON.stringify({ error: { code: 'scripted', message: 'a scripted fault' } })
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  for (const [name, value] of Object.entries(fault.headers ?? {}))
    headers[name.toLowerCase()] = value
  return { status: fault.status, headers, bytes: Buffer.from(body) }
}
