import { derrickError } from '../../../schema/error.ts'
import { compileTree } from '../../../schema/manifest/expression/template.ts'
import { setOwn, textOf } from '../../../schema/manifest/expression/value.ts'
import type { ForEach, ParentEach, ValuesEach } from '../../../schema/manifest/for-each.ts'
import { compilePath } from '../../../schema/manifest/path.ts'
import type { ReadRequest } from '../reader.ts'
import { namesAt, type ReadScope } from './scope.ts'
import type { StreamPlan } from './stream-plan.ts'

/** Values of one pass, as `each` in templates, and what they put into the request. */
export interface Pass {
  each: Record<string, unknown>
  sends: { param: NonNullable<ForEach['send']>; value: unknown }[]
}

/** Reads the records of another stream, for its children. */
export type ReadParent = (
  name: string,
  request: ReadRequest,
) => AsyncIterable<{ record: Record<string, unknown>; each: Record<string, unknown> }>

/** A set that remembers which parents came already stops growing here; from then on some may come twice. */
const maxRemembered = 1_000_000

/**
 * The passes of a stream: the product of its `for_each` entries, or a single one for streams without. Parents are read page by page
 * while their children are, so nothing piles up.
 */
export async function* passesOf(
  plan: StreamPlan,
  scope: ReadScope,
  request: ReadRequest,
  readParent: ReadParent,
): AsyncGenerator<Pass, void, undefined> {
  const { for_each: entries } = plan.stream
  const usesParent = entries.length > 0 && /\beach\??\.parent\b/.test(JSON.stringify(plan.stream))
  const context = { scope, request, readParent, usesParent }
  yield* product(entries, { each: {}, sends: [] }, context)
}

interface Context {
  scope: ReadScope
  request: ReadRequest
  readParent: ReadParent
  /** templates look at `each.parent`: then the same id under another grandparent is another pass */
  usesParent: boolean
}

async function* product(
  entries: readonly ForEach[],
  outer: Pass,
  context: Context,
): AsyncGenerator<Pass, void, undefined> {
  const [entry, ...rest] = entries
  if (!entry) {
    yield outer
    return
  }
  for await (const values of batched(entry, valuesOf(entry, context))) {
    const each = { ...outer.each, ...values }
    const sends = [...outer.sends]
    if (entry.send) sends.push({ param: entry.send, value: sentValue(entry, values) })
    yield* product(rest, { each, sends }, context)
  }
}

type Values = Record<string, unknown>

function valuesOf(entry: ForEach, context: Context): AsyncGenerator<Values, void, undefined> {
  return 'parent' in entry ? fromParent(entry, context) : fromList(entry, context)
}

async function* fromList(
  entry: ValuesEach,
  context: Context,
): AsyncGenerator<Values, void, undefined> {
  const { config, source, now } = context.scope
  const list = compileTree(entry.values, namesAt('values'))({ config, source, now })
  if (list !== null && !Array.isArray(list)) {
    throw derrickError('transform', 'for_each.values', `for_each: ${entry.as} is no list`, {
      remedy: "check the source's config; one value is a list too",
    })
  }
  const items: unknown[] = list ?? []
  if (items.length === 0 && entry.else) {
    yield* fromParent(entry.else, context)
    return
  }
  for (const item of items) {
    const values: Values = {}
    setOwn(values, entry.as, item)
    yield values
  }
}

async function* fromParent(
  entry: ParentEach,
  { request, readParent, usesParent }: Context,
): AsyncGenerator<Values, void, undefined> {
  const taken = Object.entries(entry.take).map(([name, path]) => [name, compilePath(path)] as const)
  // Only parents that changed: those of this range. Else all there are, whatever the range.
  const asked = { ...request, window: entry.changed_only ? request.window : null }
  const seen = new Set<string>()
  for await (const { record, each } of readParent(entry.parent, asked)) {
    const values: Values = {}
    for (const [name, read] of taken) setOwn(values, name, read(record) ?? null)
    if (entry.unique) {
      const key = JSON.stringify(usesParent ? [values, each] : values)
      if (seen.has(key)) continue
      if (seen.size < maxRemembered) seen.add(key)
    }
    if (Object.keys(each).length > 0) setOwn(values, 'parent', each)
    yield values
  }
}

/** Groups of values in one pass: each name has the joined values of its group. */
async function* batched(
  entry: ForEach,
  values: AsyncGenerator<Values, void, undefined>,
): AsyncGenerator<Values, void, undefined> {
  if (entry.batch === undefined) {
    yield* values
    return
  }
  let group: Values[] = []
  for await (const one of values) {
    group.push(one)
    if (group.length < entry.batch) continue
    yield joined(group, entry.join)
    group = []
  }
  if (group.length > 0) yield joined(group, entry.join)
}

function joined(group: Values[], separator: string): Values {
  const made: Values = {}
  for (const name of Object.keys(group[0] ?? {})) {
    if (name === 'parent') continue
    const texts = group.map((values) => values[name]).filter((value) => value != null)
    setOwn(made, name, texts.map(textOf).join(separator))
  }
  return made
}

/** What `send` puts into the request: the first, and usually only, value. */
function sentValue(entry: ForEach, values: Values): unknown {
  const name = 'parent' in entry ? Object.keys(entry.take)[0] : entry.as
  return name === undefined ? null : (values[name] ?? values[Object.keys(values)[0] ?? ''] ?? null)
}
