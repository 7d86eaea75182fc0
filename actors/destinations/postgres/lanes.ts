import type { ColumnType as DeclaredType } from '../../../schema/column-type.ts'
import type { PageMeta } from '../../../schema/protocol.ts'
import { deletedColumn } from '../flagged.ts'
import { copyNull } from './copy-text.ts'
import { columnName } from './names.ts'
import {
  deletedType,
  extraColumn,
  extraType,
  idColumn,
  type LaneType,
  rangeColumn,
  syncedColumn,
} from './types.ts'

/** Lanes of one attempt; fields past it share one, so that a stage never meets the server's bound of 1,600 columns. */
const mostLanes = 1000

/** Where the values of one field go, by kind: an index into `cells`, -1 until the first value of that kind. */
export interface FieldLanes {
  field: string
  isKey: boolean
  number: number
  text: number
  boolean: number
  json: number
  /** how its texts are read; those that can't be so are in `misfit`, and `text` is never used */
  readAs: DeclaredType | null
  time: number
  misfit: number
}

/** Lanes of other values than numbers. */
export type Kind = 'text' | 'boolean' | 'json' | 'time' | 'misfit'

function typeOf({ readAs }: FieldLanes, kind: Kind): LaneType {
  if (kind === 'time') return readAs === 'date' ? 'date' : 'timestamptz'
  if (kind === 'misfit') return 'text'
  return kind === 'json' ? 'jsonb' : kind
}

/** The columns of one attempt's pages: they are only ever added to, at the end, so earlier rows just lack the last ones. */
export class Lanes {
  /** the row in the making */
  readonly cells: string[] = []
  readonly #fields = new Map<string, FieldLanes>()
  readonly #owners = new Map<string, string>()
  readonly #types: PageMeta['columns'] = []
  readonly #first: PageMeta['columns']
  readonly #keyFields: ReadonlySet<string>
  readonly #readAs: (field: string) => DeclaredType | null
  #extra = -1
  #deleted = -1

  constructor(
    keyed: boolean,
    keyFields: readonly string[],
    readAs: (field: string) => DeclaredType | null = () => null,
  ) {
    this.#readAs = readAs
    this.#keyFields = new Set(keyFields)
    this.#first = [
      { name: rangeColumn, type: 'timestamptz' },
      { name: syncedColumn, type: 'timestamptz' },
      ...(keyed ? [] : [{ name: idColumn, type: 'text' }]),
    ]
  }

  /** The column list of a page that ends now; a copy, as lanes change. */
  columns(): PageMeta['columns'] {
    return [...this.#first, ...this.#types.map((column) => ({ ...column }))]
  }

  /** Empties the row. */
  clear(): void {
    this.cells.fill(copyNull)
  }

  /** The lanes of a field; null when another field, of a hostile name, has its column. */
  field(name: string): FieldLanes | null {
    const known = this.#fields.get(name)
    if (known) return known
    const column = columnName(name)
    const owner = this.#owners.get(column)
    if (owner !== undefined) return null
    this.#owners.set(column, name)
    const isKey = this.#keyFields.has(name)
    const lanes: FieldLanes = {
      ...{ field: name, isKey, readAs: isKey ? null : this.#readAs(name) },
      ...{ number: -1, text: -1, boolean: -1, json: -1, time: -1, misfit: -1 },
    }
    this.#fields.set(name, lanes)
    return lanes
  }

  /** The index of a number's lane, which becomes numeric with the first value that needs it; -1 past the bound. */
  number(lanes: FieldLanes, type: 'bigint' | 'numeric'): number {
    if (lanes.number < 0) lanes.number = this.#add(lanes, type)
    else if (type === 'numeric') (this.#types[lanes.number] as { type: string }).type = type
    return lanes.number
  }

  /** The index of a lane; -1 past the bound. */
  lane(lanes: FieldLanes, kind: Kind): number {
    if (lanes[kind] < 0) lanes[kind] = this.#add(lanes, typeOf(lanes, kind))
    return lanes[kind]
  }

  /** The index of the lane of all fields past the bound. */
  extra(): number {
    if (this.#extra < 0) {
      this.#extra = this.cells.push(copyNull) - 1
      this.#types.push({ name: extraColumn, type: extraType })
    }
    return this.#extra
  }

  /** The index of the lane of marks. */
  deleted(): number {
    if (this.#deleted < 0) {
      this.#deleted = this.cells.push(copyNull) - 1
      this.#types.push({ name: deletedColumn, type: deletedType })
    }
    return this.#deleted
  }

  #add({ field, isKey }: FieldLanes, type: LaneType): number {
    if (this.#types.length >= mostLanes && !isKey) return -1
    this.#types.push({ name: field, type })
    return this.cells.push(copyNull) - 1
  }
}
