/** One step of a path: a name, a list index, or every item of a list or object. */
export type PathStep = { name: string } | { index: number } | { every: true }

const maxSteps = 40
const token = /\.?(?:\[(\d{1,9})\]|\[(?:"([^"]*)"|'([^']*)')\]|(\*)|([^.[\]]+))/y

/**
 * Steps of a dotted path: `a.b`, `a.*.b`, `a[0]`, `a["with.dot"]`; none for the empty path, which means the whole.
 * @returns undefined when the text is no path
 */
export function parsePath(text: string): PathStep[] | undefined {
  const steps: PathStep[] = []
  if (text.startsWith('.')) return undefined
  token.lastIndex = 0
  while (token.lastIndex < text.length) {
    const match = token.exec(text)
    if (!match || steps.length >= maxSteps) return undefined
    if (match[1] !== undefined) steps.push({ index: Number(match[1]) })
    else if (match[4] !== undefined) steps.push({ every: true })
    else steps.push({ name: (match[2] ?? match[3] ?? match[5]) as string })
  }
  return steps
}

/**
 * A getter for a path. Own properties only; what is not there gives undefined. A path with `*` gives the list of
 * what was found, lists within lists laid end to end.
 * @throws RangeError when the text is no path (the loader has checked those of a manifest)
 */
export function compilePath(text: string): (value: unknown) => unknown {
  const steps = parsePath(text)
  if (!steps) throw new RangeError(`not a path: ${text}`)
  if (steps.some((step) => 'every' in step)) return (value) => collect([value], steps)
  if (steps.length === 0) return (value) => value
  const keys = steps.map((step) => ('name' in step ? step.name : (step as { index: number }).index))
  return (value) => {
    let at = value
    for (const key of keys) at = child(at, key)
    return at
  }
}

function child(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string | number, unknown>)[key]
}

function collect(start: unknown[], steps: PathStep[]): unknown[] {
  let found = start
  for (const step of steps) {
    if ('every' in step) {
      found = found.flatMap((value) =>
        Array.isArray(value)
          ? value
          : typeof value === 'object' && value !== null
            ? Object.values(value)
            : [],
      )
      continue
    }
    const key = 'name' in step ? step.name : step.index
    found = found.map((value) => child(value, key)).filter((value) => value !== undefined)
  }
  // A list at the end of a `*` path is laid flat, so `groups.*.items` gives all items.
  return found.flatMap((value) => (Array.isArray(value) ? value : [value]))
}
