import Type from 'typebox'
import { StartDate } from '../../schema/common.ts'
import { startDateMs } from '../../schema/tiling.ts'
import type { AskedWindow } from '../engine/engine.ts'
import type { StreamRow } from '../store/streams.ts'
import type { ApiDeps } from './deps.ts'
import { unprocessable } from './problem.ts'

/** `from` and `to` in bodies: instants, or dates in the source's zone. */
export const windowFields = {
  from: Type.Optional(Type.Union([StartDate, Type.Null()])),
  to: Type.Optional(Type.Union([StartDate, Type.Null()], { description: 'exclusive' })),
}

interface Given {
  from?: string | null
  to?: string | null
}

/** Throws ApiProblem 422 for dates that don't exist or a window that is empty. */
export function askedWindow({ from = null, to = null }: Given, zone: string): AskedWindow {
  const bounds = { from: bound(from, zone, '/from'), to: bound(to, zone, '/to') }
  if (bounds.from !== null && bounds.to !== null && bounds.from >= bounds.to) {
    throw unprocessable('window.empty', [{ pointer: '/to', detail: 'must be later than from' }])
  }
  return bounds
}

function bound(text: string | null, zone: string, pointer: string): number | null {
  if (text === null) return null
  const at = startDateMs(text, zone)
  if (at !== undefined) return at
  throw unprocessable('window.invalid', [
    { pointer, detail: 'does not exist', remedy: 'such as 2024-01-31 or 2024-01-31T12:00:00Z' },
  ])
}

/** The zone in which dates of a stream are meant. */
export function zoneOf(stream: StreamRow, { stores }: Pick<ApiDeps, 'stores'>): string {
  const connection = stores.connections.find(stream.connectionId)
  return (connection && stores.sources.find(connection.sourceId)?.timezone) ?? 'UTC'
}
