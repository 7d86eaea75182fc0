import type { PageMeta } from '../../../schema/protocol.ts'
import {
  deletedType,
  extraType,
  type Lane,
  type LaneType,
  laneOf,
  lanesOf,
  ownColumns,
  type SeenFields,
} from './types.ts'

export interface StageColumn {
  name: string
  type: LaneType
  field: string
  lane: Lane
}

/** The columns of a stage: what all pages of an attempt hold, each lane with the type that takes all its values. */
export class StageColumns {
  readonly columns: StageColumn[] = []
  readonly keyed: boolean
  readonly hasExtra: boolean
  readonly hasDeleted: boolean
  readonly #places = new Map<string, StageColumn>()

  constructor(seen: SeenFields, keyed: boolean) {
    this.keyed = keyed
    this.hasExtra = seen.extra
    this.hasDeleted = seen.deleted
    for (const field of seen.fields.values()) {
      for (const { lane, type } of lanesOf(field)) {
        const name = `c${this.columns.length}`
        const column = { name, type, field: field.field, lane }
        this.columns.push(column)
        this.#places.set(place(field.field, lane), column)
      }
    }
  }

  find(field: string, lane: Lane): StageColumn | undefined {
    return this.#places.get(place(field, lane))
  }

  /** The columns that have the values of these fields, whatever their kinds. */
  keyColumns(fields: readonly string[]): string[] {
    return this.columns.filter(({ field }) => fields.includes(field)).map(({ name }) => name)
  }

  /** Names and types of all columns, in the stage's order. */
  definitions(): { name: string; type: string }[] {
    return [
      { name: 'r', type: 'timestamptz' },
      { name: 'a', type: 'timestamptz' },
      ...(this.keyed ? [] : [{ name: 'i', type: 'text' }]),
      // Times keep their own text until it is known that their column takes times.
      ...this.columns.map(({ name, type, lane }) => ({
        name,
        type: lane === 'time' ? 'text' : type,
      })),
      ...(this.hasExtra ? [{ name: 'x', type: 'jsonb' }] : []),
      ...(this.hasDeleted ? [{ name: 'd', type: 'timestamptz' }] : []),
    ]
  }

  /** The stage's columns in the order of a page's. */
  namesFor(columns: PageMeta['columns']): string[] {
    const own = ['r', 'a', 'i'].slice(0, ownColumns(this.keyed))
    const rest = columns.slice(own.length).map(({ name, type }) => {
      if (type === extraType) return 'x'
      return type === deletedType ? 'd' : (this.find(name, laneOf(type)) as StageColumn).name
    })
    return [...own, ...rest]
  }
}

const place = (field: string, lane: Lane): string => `${lane} ${field}`
