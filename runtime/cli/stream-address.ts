import type { Connection } from '../../schema/connection.ts'
import { derrickError } from '../../schema/error.ts'
import type { Stream } from '../../schema/stream.ts'
import type { Client } from './client.ts'

const mostStreams = 10_000

/** `connection/stream` of each stream, by id. */
export async function streamTitles(client: Client): Promise<Map<string, string>> {
  const [connections, streams] = await Promise.all([
    client.list<Connection>('/connections', mostStreams),
    client.list<Stream>('/streams', mostStreams),
  ])
  const names = new Map(connections.map((one) => [one.id, one.name]))
  return new Map(
    streams.map((one) => [one.id, `${names.get(one.connection_id) ?? '?'}/${one.name}`]),
  )
}

/** The id of `connection/stream` (or of an id). Throws DerrickError `stream.not_found` that lists what there is. */
export async function streamId(client: Client, address: string): Promise<string> {
  const titles = await streamTitles(client)
  if (titles.has(address)) return address
  for (const [id, title] of titles) if (title === address) return id
  const known = [...titles.values()].slice(0, 20).join(', ')
  throw derrickError('unknown', 'stream.not_found', `there is no stream ${address}`, {
    remedy: known === '' ? 'no stream exists yet' : `known streams: ${known}`,
  })
}
