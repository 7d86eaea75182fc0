import Type, { type Static } from 'typebox'
import { closed, expression, ParamPlace, path, template } from './kind.ts'

const paramName = Type.String({ minLength: 1, maxLength: 256 })

const stop = (fallback: 'empty' | 'token') =>
  Type.Enum(['empty', 'short', 'token'], {
    default: fallback,
    description:
      'the last page is: empty (no records), short (fewer than size), token (no next token)',
  })

const common = (stopDefault: 'empty' | 'token') => ({
  size: Type.Optional(
    Type.Object(
      {
        name: Type.Optional(paramName),
        value: Type.Union(
          [Type.Integer({ minimum: 1, maximum: 1_000_000 }), template('config', { minLength: 1 })],
          { 'x-expected': 'a number of records or a template' },
        ),
        in: ParamPlace,
        min: Type.Integer({ minimum: 1, default: 1, description: 'floor of smaller_page' }),
      },
      closed,
    ),
  ),
  more: Type.Optional(expression('answer', { description: 'false: this was the last page' })),
  stop: stop(stopDefault),
  max_pages: Type.Integer({ minimum: 1, maximum: 100_000_000, default: 100_000 }),
  resumable: Type.Optional(
    Type.Boolean({
      description:
        'a full read that was cut goes on from its last page, hours later; page and offset do so only when told',
    }),
  ),
  restart: Type.Optional(
    Type.Object(
      {
        after_records: Type.Integer({ minimum: 1 }),
        from: Type.Optional(
          path({ description: "the last record's time; default is the window's field" }),
        ),
      },
      { ...closed, description: 'begin a new query when an API cuts at a number of records' },
    ),
  ),
})

const otherHosts = Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
  default: [],
  maxItems: 20,
  description: 'hosts a next URL may lead to beside that of base_url',
})
const keepParams = (fallback: boolean) =>
  Type.Boolean({ default: fallback, description: 'send the query of the first page again' })

export const NoPaging = Type.Object({ type: Type.Literal('none') }, closed)
export const PagePaging = Type.Object(
  {
    type: Type.Literal('page'),
    name: paramName,
    first: Type.Integer({ minimum: 0, maximum: 1, description: 'number of the first page' }),
    in: ParamPlace,
    send_first: Type.Boolean({ default: true }),
    total_pages: Type.Optional(path()),
    total: Type.Optional(path({ description: 'number of records in all' })),
    ...common('empty'),
  },
  closed,
)
export const OffsetPaging = Type.Object(
  {
    type: Type.Literal('offset'),
    name: paramName,
    first: Type.Integer({ minimum: 0, maximum: 1, default: 0 }),
    in: ParamPlace,
    send_first: Type.Boolean({ default: true }),
    total: Type.Optional(path({ description: 'number of records in all' })),
    ...common('empty'),
  },
  closed,
)
/** Exactly one of `at`, `header`, `value`. Without `name` the request's templates use `page.token`. */
export const CursorPaging = Type.Object(
  {
    type: Type.Literal('cursor'),
    name: Type.Optional(paramName),
    in: ParamPlace,
    at: Type.Optional(path({ minLength: 1 })),
    header: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    value: Type.Optional(expression('answer')),
    keep_params: keepParams(true),
    ...common('token'),
  },
  closed,
)
export const NextUrlPaging = Type.Object(
  {
    type: Type.Literal('next_url'),
    at: path({ minLength: 1 }),
    keep_params: keepParams(false),
    other_hosts: otherHosts,
    ...common('token'),
  },
  closed,
)
export const LinkPaging = Type.Object(
  {
    type: Type.Literal('link'),
    rel: Type.String({ default: 'next', minLength: 1, maxLength: 64 }),
    keep_params: keepParams(false),
    other_hosts: otherHosts,
    ...common('token'),
  },
  closed,
)
export const LastRecordPaging = Type.Object(
  {
    type: Type.Literal('last_record'),
    name: paramName,
    in: ParamPlace,
    field: path({ minLength: 1, description: 'in the record as the API gave it' }),
    ...common('empty'),
  },
  closed,
)

export const Paging = Type.Union(
  [NoPaging, PagePaging, OffsetPaging, CursorPaging, NextUrlPaging, LinkPaging, LastRecordPaging],
  { 'x-by': 'type' },
)
export type Paging = Static<typeof Paging>
export type PagingOf<T extends Paging['type']> = Extract<Paging, { type: T }>
/** The keys that all kinds but `none` share. */
export type PagingCommon = Pick<PagingOf<'cursor'>, keyof ReturnType<typeof common>>
