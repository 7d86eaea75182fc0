import type { Target } from '../../../schema/protocol.ts'
import { fieldPath } from '../path.ts'
import { columnName } from './names.ts'
import { idColumn } from './types.ts'

/** Whether rows are told apart by the stream's key; without one, and in append mode, each is its own (`_derrick_id`). */
export const isKeyed = ({ primaryKey, writeMode }: Target): boolean =>
  primaryKey.length > 0 && writeMode !== 'append'

/** The columns that tell rows apart: the primary key of the table. */
export function identityColumns(target: Target): string[] {
  if (!isKeyed(target)) return [idColumn]
  return target.primaryKey.map((name) => columnName(fieldPath(name).name))
}
