import type { DestinationCreate, DestinationPatch } from '../../schema/destination.ts'
import type { DestinationRow } from '../store/destinations.ts'
import { destinationConfigErrors, mergeConfig } from './config-input.ts'
import type { ApiDeps } from './deps.ts'
import { requireFreeName } from './free-name.ts'
import { destinationSecrets } from './present.ts'
import { ApiProblem, unprocessable } from './problem.ts'

/** Code of a config that the type does not take. */
export const invalidDestination = 'destination.invalid'

/** Throws ApiProblem 409 for a taken name, 422 that names every bad field. */
export function createDestination(
  workspaceId: string,
  body: DestinationCreate,
  deps: ApiDeps,
): DestinationRow {
  const { stores, secrets, now, newId } = deps
  const { name, type, config } = body
  requireFreeName('destination', name, stores.destinations.byName(workspaceId, name))
  const errors = destinationConfigErrors(type, config)
  if (errors.length > 0) throw unprocessable(invalidDestination, errors)
  const id = newId('dst')
  const row: DestinationRow = {
    id,
    workspaceId,
    name,
    type,
    config: secrets.sealConfig({ kind: 'destination', id }, config, destinationSecrets(type)),
    version: 1,
    createdAt: now(),
    updatedAt: now(),
  }
  stores.destinations.insert(row)
  return row
}

/** Throws ApiProblem 409 or 422; returns the row as stored. */
export function changeDestination(
  row: DestinationRow,
  patch: DestinationPatch,
  deps: ApiDeps,
): DestinationRow {
  const { stores, secrets, engine, now } = deps
  const name = patch.name ?? row.name
  requireFreeName('destination', name, stores.destinations.byName(row.workspaceId, name), row.id)
  let config = row.config
  if (patch.config) {
    const owner = { kind: 'destination', id: row.id } as const
    const fields = destinationSecrets(row.type)
    const plain = mergeConfig(secrets, owner, row.config, patch.config, fields)
    const errors = destinationConfigErrors(row.type, plain)
    if (errors.length > 0) throw unprocessable(invalidDestination, errors)
    config = secrets.sealConfig(owner, plain, fields)
  }
  const changed = { ...row, name, config, version: row.version + 1, updatedAt: now() }
  stores.destinations.save(changed)
  engine.destinationChanged(row.id)
  return changed
}

/** Throws ApiProblem 409 while a connection uses it. */
export function removeDestination(row: DestinationRow, { stores, engine }: ApiDeps): void {
  const users = stores.connections.list(row.workspaceId, { destinationId: row.id, limit: 10 })
  if (users.length > 0) {
    const names = users.map((user) => user.name).join(', ')
    throw new ApiProblem(409, 'destination.in_use', `${row.name} is used by ${names}`, {
      remedy: 'delete these connections first',
    })
  }
  stores.destinations.delete(row.workspaceId, row.id)
  engine.destinationChanged(row.id)
}
