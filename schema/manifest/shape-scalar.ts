import { regexOf } from './expression/regex.ts'
import type { ManifestPath } from './issue.ts'
import type { Place } from './kind.ts'
import { parsePath } from './path.ts'
import {
  expected,
  patternOf,
  type Reader,
  refuse,
  type Shape,
  type ShapeReading,
} from './shape-finding.ts'
import { manifestBytes, manifestDurationMs } from './size.ts'

export const readText: Reader = (shape, value, path, reading) => {
  if (typeof value !== 'string') return expected('a text', value, path, reading)
  if (value.length < (shape.minLength ?? 0)) return expected('a text', value, path, reading)
  if (value.length > (shape.maxLength ?? 64_000)) {
    return refuse(
      `${path.at(-1)} is longer than ${shape.maxLength} characters`,
      'shorten it',
      path,
      reading,
    )
  }
  if (shape.pattern && !patternOf(shape.pattern).test(value)) {
    return expected(`a text like ${shape.pattern}`, value, path, reading)
  }
  const holds = shape['x-holds']
  const place = shape['x-place'] as Place
  if (holds === 'template' && value.includes('{{')) {
    reading.expressions.push({ text: value, braced: true, place, path })
  } else if (holds === 'expression') {
    reading.expressions.push({ text: value, braced: false, place, path })
  } else if (holds === 'path' && !parsePath(value)) {
    return expected('a path such as data.items or data.*.id', value, path, reading)
  } else if (holds === 'regex') checkRegex(value, path, reading)
  else if (holds === 'url' && !/^https?:\/\/[^\s/]/.test(value)) {
    return expected('an address that begins with https://', value, path, reading)
  }
  return value
}

function checkRegex(value: string, path: ManifestPath, reading: ShapeReading): void {
  try {
    regexOf(value)
  } catch (error) {
    const remedy = 'use RE2 syntax: no look-around, no back references'
    refuse(`${path.at(-1)}: ${(error as Error).message}`, remedy, path, reading)
  }
}

export const readNumber: Reader = (shape, value, path, reading) => {
  const isRight = typeof value === 'number' && (shape.type === 'number' || Number.isInteger(value))
  if (!isRight || value < (shape.minimum ?? -Infinity) || value > (shape.maximum ?? Infinity)) {
    const kind = shape.type === 'number' ? 'a number' : 'a whole number'
    return expected(`${kind}${bounds(shape)}`, value, path, reading)
  }
  return value
}

function bounds({ minimum, maximum }: Shape): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  if (minimum !== undefined) return ` of at least ${minimum}`
  return maximum === undefined ? '' : ` of at most ${maximum}`
}

export const readSize: Reader = (shape, value, path, reading) => {
  const isDuration = shape['x-holds'] === 'duration'
  const text = value === 0 ? '0' : value
  const size =
    typeof text !== 'string'
      ? undefined
      : isDuration
        ? manifestDurationMs(text)
        : manifestBytes(text)
  if (size === undefined) {
    const what = isDuration ? 'a duration such as 30s, 5m, 2h or 3d' : 'a size such as 32MB'
    return expected(what, value, path, reading)
  }
  if (size < (shape.minimum ?? 0)) {
    const floor = isDuration ? `${shape.minimum}ms` : `${shape.minimum}B`
    return expected(`at least ${floor}`, value, path, reading)
  }
  return size
}
