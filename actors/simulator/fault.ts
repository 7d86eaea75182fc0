import Type, { type Static } from 'typebox'
import { hash } from './hash.ts'
import { hostileVariants } from './hostile.ts'

const Name = Type.String({ minLength: 1, maxLength: 200 })
const Ms = Type.Integer({ minimum: 0, maximum: 3_600_000 })

/** Which requests a fault is played on; what is left out matches all. */
const match = {
  id: Type.Optional(Name),
  stream: Type.Optional(Name),
  path: Type.Optional(
    Type.String({ maxLength: 200, description: 'regular expression on the path' }),
  ),
  page: Type.Optional(Type.Integer({ minimum: 1, description: 'number of the page in its read' })),
  contains_ms: Type.Optional(
    Type.Integer({ description: 'only reads whose window holds this instant (epoch ms)' }),
  ),
  skip: Type.Optional(Type.Integer({ minimum: 0, description: 'matches let through first' })),
  times: Type.Optional(Type.Integer({ minimum: 1, description: 'then played so often; no end' })),
  probability: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'seeded' })),
}

/** A scripted misbehaviour, in the form that the control endpoint takes. */
export const Fault = Type.Union([
  Type.Object(
    {
      ...match,
      kind: Type.Literal('status'),
      status: Type.Integer({ minimum: 300, maximum: 599 }),
      headers: Type.Optional(Type.Record(Type.String(), Type.String())),
      body: Type.Optional(Type.String({ maxLength: 65536 })),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      ...match,
      kind: Type.Literal('cut', {
        description: 'the socket dies; after_bytes 0: before the headers',
      }),
      after_bytes: Type.Optional(Type.Integer({ minimum: 0 })),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      ...match,
      kind: Type.Literal('stall', { description: 'nothing comes any more, for ms or for ever' }),
      where: Type.Enum(['headers', 'body']),
      ms: Type.Optional(Ms),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      ...match,
      kind: Type.Literal('slow'),
      delay_ms: Type.Optional(Ms),
      bytes_per_second: Type.Optional(Type.Integer({ minimum: 1 })),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      ...match,
      kind: Type.Literal('malformed'),
      how: Type.Enum([
        'truncated',
        'html',
        'wrong_length',
        'empty',
        'invalid_utf8',
        'not_an_object',
      ]),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      ...match,
      kind: Type.Literal('lying_count', {
        description: 'total (page, offset) or has_more is wrong',
      }),
      delta: Type.Integer(),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    { ...match, kind: Type.Literal('repeat_page', { description: 'the next page is this page' }) },
    { additionalProperties: false },
  ),
  Type.Object(
    { ...match, kind: Type.Literal('foreign_next'), origin: Type.Optional(Name) },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      ...match,
      kind: Type.Literal('hostile'),
      records: Type.Array(Type.Enum(hostileVariants), { minItems: 1 }),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      ...match,
      kind: Type.Literal('gzip_bomb'),
      megabytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096 })),
      layers: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 })),
    },
    { additionalProperties: false },
  ),
])
export type Fault = Static<typeof Fault>
export type FaultOf<Kind extends Fault['kind']> = Extract<Fault, { kind: Kind }>

/** What is known of a request when a fault is looked for. */
export interface FaultTarget {
  stream: string | null
  path: string
  page: number | null
  window: { start: number; end: number } | null
}

export interface FaultBook {
  /** returns the fault's id; throws a SyntaxError for a bad `path` expression, a RangeError when full */
  add(fault: Fault): string
  remove(id: string): boolean
  clear(): void
  list(): { fault: Fault; matched: number; played: number }[]
  /** the first fault that is due on this request; counts it */
  match(target: FaultTarget): { id: string; fault: Fault } | null
}

const maxFaults = 1000

export function createFaultBook(seed: number): FaultBook {
  const entries = new Map<string, Entry>()
  let serial = 0
  return {
    add(fault) {
      if (entries.size >= maxFaults) throw new RangeError(`no more than ${maxFaults} faults`)
      serial += 1
      const id = fault.id ?? `fault_${serial}`
      const path = fault.path === undefined ? null : new RegExp(fault.path)
      entries.set(id, { fault: { ...fault, id }, path, serial, matched: 0, played: 0 })
      return id
    },
    remove: (id) => entries.delete(id),
    clear: () => entries.clear(),
    list: () =>
      [...entries.values()].map(({ fault, matched, played }) => ({ fault, matched, played })),
    match(target) {
      for (const [id, entry] of entries) {
        if (applies(entry, target) && isDue(seed, entry)) return { id, fault: entry.fault }
      }
      return null
    },
  }
}

interface Entry {
  fault: Fault
  path: RegExp | null
  serial: number
  matched: number
  played: number
}

function applies(
  { fault, path }: Entry,
  { stream, path: asked, page, window }: FaultTarget,
): boolean {
  if (fault.stream !== undefined && fault.stream !== stream) return false
  if (path !== null && !path.test(asked)) return false
  if (fault.page !== undefined && fault.page !== page) return false
  if (fault.contains_ms === undefined) return true
  return window !== null && window.start <= fault.contains_ms && fault.contains_ms < window.end
}

function isDue(seed: number, entry: Entry): boolean {
  const { fault } = entry
  entry.matched += 1
  if (entry.matched <= (fault.skip ?? 0)) return false
  if (entry.played >= (fault.times ?? Number.POSITIVE_INFINITY)) return false
  const luck = hash(seed, 0x6661756c, entry.serial, entry.matched) / 0x1_0000_0000
  if (fault.probability !== undefined && luck >= fault.probability) return false
  entry.played += 1
  return true
}
