import { digestFunctions } from './digest-functions.ts'
import type { ExpressionFunction } from './function.ts'
import { listFunctions } from './list-functions.ts'
import { textFunctions } from './text-functions.ts'
import { timeFunctions } from './time-functions.ts'

/** All functions but `mapEach`, which the compiler knows: it takes the name of a function. */
export const functionTable: ReadonlyMap<string, ExpressionFunction> = new Map(
  Object.entries({ ...textFunctions, ...listFunctions, ...timeFunctions, ...digestFunctions }),
)

/** `mapEach(list, "lower")`, `mapEach(list, "slice", 0, 3)`: a function applied to every item. */
export const mapEach = { name: 'mapEach', min: 2, max: 6 } as const

/** Every name that can be called, for suggestions and documentation. */
export const functionNames: readonly string[] = [...functionTable.keys(), mapEach.name].sort()
