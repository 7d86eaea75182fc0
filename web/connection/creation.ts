import { useNavigate } from '@solidjs/router'
import { createEffect, createMemo, createSignal, on } from 'solid-js'
import { createStore, reconcile } from 'solid-js/store'
import type { Connection } from '../../schema/connection.ts'
import type { Granularity, Stream } from '../../schema/stream.ts'
import { api, listWhole } from '../api.ts'
import { createForm } from '../form/form.ts'
import { createLoad } from '../load.ts'
import { change, world } from '../store/store.ts'
import { put } from '../store/world.ts'
import { useUrl } from '../url.ts'
import { createStreams } from './create-streams.ts'
import { choicesOf, type OfferedStream, type StreamChoice } from './offered.ts'

/** The asked-for id if it exists, else the only one there is. */
function pick(asked: string | undefined, all: Record<string, unknown>): string | undefined {
  if (asked && Object.hasOwn(all, asked)) return asked
  const ids = Object.keys(all)
  return ids.length === 1 ? ids[0] : undefined
}

const streamsOf = (connectionId: string | undefined): Stream[] =>
  Object.values(world.streams).filter((stream) => stream.connection_id === connectionId)

interface Names {
  name: string
  namespace: string
  prefix: string
}

async function postConnection(
  names: Names,
  standardName: string,
  sourceId: string | undefined,
  destinationId: string | undefined,
): Promise<Connection> {
  const connection = await api.post<Connection>('/connections', {
    name: names.name.trim() || standardName,
    source_id: sourceId,
    destination_id: destinationId,
    ...(names.namespace.trim() ? { namespace: names.namespace.trim() } : {}),
    ...(names.prefix.trim() ? { stream_prefix: names.prefix.trim() } : {}),
  })
  change((draft) => {
    put(draft.connections, connection)
  })
  return connection
}

/** The state of the form that makes a connection, or adds streams to `existing`. */
export function createConnection(existing: Connection | undefined) {
  const url = useUrl()
  const navigate = useNavigate()
  const form = createForm()
  const [made, setMade] = createSignal(existing)
  const [names, setNames] = createStore<Names>({ name: '', namespace: '', prefix: '' })
  const [plan, setPlan] = createStore<{
    granularity: Granularity
    schedule: string
    start: boolean
  }>({ granularity: 'day', schedule: '*/15 * * * *', start: true })
  const [choices, setChoices] = createStore<StreamChoice[]>([])
  // A memo: when the connection is made its source stays the same one, and what was ticked must stay so, too.
  const sourceId = createMemo(() => made()?.source_id ?? pick(url.get('source'), world.sources))
  const destinationId = () =>
    made()?.destination_id ?? pick(url.get('destination'), world.destinations)
  const offered = createLoad(sourceId, (id) => listWhole<OfferedStream>(`/sources/${id}/streams`))
  createEffect(
    on(offered.data, (found) => {
      const fresh = choicesOf(found ?? [], streamsOf(existing?.id))
      setChoices(reconcile(fresh, { key: 'name' }))
    }),
  )
  const standardName = createMemo(() => {
    const source = world.sources[sourceId() ?? '']?.name
    const destination = world.destinations[destinationId() ?? '']?.name
    return source && destination ? `${source}-to-${destination}` : ''
  })
  const chosen = () => choices.filter((choice) => choice.chosen).length

  const save = () =>
    form.during('save', async () => {
      const connection =
        made() ?? (await postConnection(names, standardName(), sourceId(), destinationId()))
      // From here on a refused stream must not make the connection a second time.
      setMade(connection)
      const taken = new Set(streamsOf(connection.id).map((stream) => stream.source_stream))
      const streams = await createStreams(connection.id, {
        ...plan,
        offered: offered.data() ?? [],
        // As they are now: the list may be read anew while the streams are made.
        choices: choices.filter(({ name }) => !taken.has(name)).map((choice) => ({ ...choice })),
      })
      navigate(streams[0] ? `/?open=${streams[0].id}` : '/connections')
    })
  /** Why it can't be saved yet. */
  const off = (): string | undefined => {
    if (!sourceId()) return 'It needs a source.'
    if (!destinationId()) return 'It needs a destination.'
    return chosen() === 0 ? 'Choose at least one stream.' : undefined
  }
  return {
    form,
    made,
    names,
    setNames,
    plan,
    setPlan,
    choices,
    setChoices,
    sourceId,
    destinationId,
    offered,
    standardName,
    chosen,
    off,
    save,
  }
}

export type ConnectionState = ReturnType<typeof createConnection>
