import { derrickError } from '../../../schema/error.ts'
import type { ReadRequest } from '../reader.ts'
import type { ReadScope } from './scope.ts'
import type { StreamPlan } from './stream-plan.ts'

/** The values of `each`, one pass each; one pass with none for streams without `for_each`. */
export async function* eachOf(
  plan: StreamPlan,
  _scope: ReadScope,
  _request: ReadRequest,
): AsyncGenerator<Record<string, unknown>, void, undefined> {
  if (plan.stream.for_each.length > 0) {
    throw derrickError('transform', 'manifest.unsupported', 'for_each is not supported yet')
  }
  yield {}
}
