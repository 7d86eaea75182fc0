import type { ApiKey } from '../../schema/api-key.ts'
import type { Client } from './client.ts'
import { exitCodes } from './exit-code.ts'
import { type Column, type OutputFormat, printRows } from './output.ts'
import { say } from './say.ts'

const mostKeys = 1_000

/** `derrick keys`: who may call; keys themselves are known to nobody but those who got them. */
export async function listKeys(client: Client, format: OutputFormat): Promise<number> {
  const keys = await client.list<ApiKey>('/api_keys', mostKeys)
  const columns: Column<ApiKey>[] = [
    { title: 'ID', text: ({ id }) => id },
    { title: 'NAME', text: ({ name }) => name },
    { title: 'ROLE', text: ({ role }) => role },
    { title: 'WORKSPACE', text: ({ workspace_id: id }) => id ?? 'all' },
    { title: 'KEY', text: ({ hint }) => `…${hint}` },
    { title: 'LAST USED', text: ({ last_used_at: at }) => at ?? 'never' },
  ]
  printRows(keys, columns, format)
  return exitCodes.done
}

/** `derrick keys create NAME`: the key alone on stdout, so that it can be kept at once; it is never shown again. */
export async function createKey(
  client: Client,
  body: { name: string; role: string; workspace_id?: string },
  format: OutputFormat,
): Promise<number> {
  const made = await client.call<ApiKey & { key: string }>('POST', '/api_keys', body)
  if (format === 'table') process.stdout.write(`${made.key}\n`)
  else printRows([made], [], format)
  say(`key ${made.id} (${made.role}) is shown this once`)
  return exitCodes.done
}

/** `derrick keys delete ID`: refused from this moment on. */
export async function deleteKey(client: Client, id: string): Promise<number> {
  await client.call('DELETE', `/api_keys/${encodeURIComponent(id)}`)
  say(`key ${id} is deleted`)
  return exitCodes.done
}
