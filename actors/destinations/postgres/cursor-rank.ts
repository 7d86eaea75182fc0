import { fieldPath } from '../path.ts'
import { columnName, literal, quoted, variantName } from './names.ts'
import type { ColumnType } from './types.ts'

/** A record's cursor as SQL: a number to compare by, and a text where there is none. */
export interface CursorRank {
  rank: string
  text: string
}

/**
 * How the row `alias` orders by the stream's cursor field, whatever columns its values went to; null when none of them
 * is in the table. Instants count in milliseconds and numbers by value, as in `cursor-order.ts`.
 */
export function cursorRank(
  alias: string,
  cursorField: string,
  columns: ReadonlyMap<string, ColumnType>,
): CursorRank | null {
  const path = fieldPath(cursorField)
  const numbers: string[] = []
  const texts: string[] = []
  for (const name of [columnName(path.name), variantName(path.name)]) {
    const type = columns.get(name)
    const column = `${alias}.${quoted(name)}`
    if (type === 'bigint' || type === 'numeric') numbers.push(`${column}::numeric`)
    if (type === 'text') texts.push(column)
    // Beside a column of times the texts are those that are none.
    if (type === 'timestamptz' || type === 'date') {
      numbers.push(`(extract(epoch from ${column}) * 1000)::numeric`)
    }
  }
  const [first = '', ...rest] = path.parts
  if (rest.length > 0 && columns.get(columnName(first)) === 'jsonb') {
    texts.push(`${alias}.${quoted(columnName(first))} #>> array[${rest.map(literal).join(', ')}]`)
  }
  if (numbers.length + texts.length === 0) return null
  const text = coalesce([...texts, ...numbers.map((number) => `${number}::text`)], 'text')
  const ranked = texts.length > 0 ? [textRank(coalesce(texts, 'text'))] : []
  return { rank: coalesce([...numbers, ...ranked], 'numeric'), text }
}

const coalesce = (list: string[], type: string): string =>
  list.length === 1 ? (list[0] as string) : `coalesce(${list.join(', ')}, null::${type})`

const instant =
  '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])' +
  '([T ]([01][0-9]|2[0-4]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,12})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?$'
const decimal = '^-?[0-9]{1,40}([.][0-9]{1,40})?$'

/** No cast here can fail: a bad day such as February 30 rolls over, what looks like nothing known has no rank. */
function textRank(text: string): string {
  return `(select case
    when v.x ~ '${instant}' then 1000 * (
      extract(epoch from timestamp '2000-01-01' + make_interval(
        years => substr(v.x, 1, 4)::int - 2000, months => substr(v.x, 6, 2)::int - 1,
        days => substr(v.x, 9, 2)::int - 1,
        hours => coalesce(nullif(substr(v.x, 12, 2), ''), '0')::int,
        mins => coalesce(nullif(substr(v.x, 15, 2), ''), '0')::int))::numeric
      + coalesce(substring(v.x from '^.{16}:([0-9]{2}([.][0-9]+)?)')::numeric, 0)
      - coalesce((substring(v.x from '([+-])[0-9]{2}:?[0-9]{2}$') || '1')::numeric
        * (substring(v.x from '[+-]([0-9]{2}):?[0-9]{2}$')::numeric * 3600
          + substring(v.x from '[+-][0-9]{2}:?([0-9]{2})$')::numeric * 60), 0))
    when v.x ~ '${decimal}' then v.x::numeric end
    from (select ${text} as x) v)`
}
