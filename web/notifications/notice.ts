import type { Notification } from '../../schema/notification.ts'

/** What a notification says below its title: its cause and what to do, where it names them. */
export interface Notice {
  cause: string | undefined
  remedy: string | undefined
  /** the page where one goes on */
  href: string | undefined
  /** what is there */
  place: string
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

/** Columns that are new or wider: `price numeric, note text`. */
function columnsText(columns: unknown): string | undefined {
  if (!Array.isArray(columns)) return undefined
  const named = columns.flatMap((one: { name?: unknown; type?: unknown } | null) => {
    const [name, type] = [text(one?.name), text(one?.type)]
    return name === undefined ? [] : [type === undefined ? name : `${name} ${type}`]
  })
  return named.length === 0 ? undefined : named.join(', ')
}

export function noticeOf({ kind, detail, stream_id: stream }: Notification): Notice {
  const said = {
    cause: text(detail.message) ?? columnsText(detail.columns),
    remedy: text(detail.remedy),
  }
  const run = text(detail.run_id)
  if (kind === 'source_paused' || kind === 'token_failed')
    return { ...said, href: '/sources', place: 'its source' }
  if (run !== undefined) return { ...said, href: `/runs?run=${run}`, place: 'the run' }
  return { ...said, href: stream === null ? undefined : `/?open=${stream}`, place: 'its stream' }
}
