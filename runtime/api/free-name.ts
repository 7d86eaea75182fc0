import { ApiProblem } from './problem.ts'

/**
 * Names are unique among things of a kind.
 * @param other what has the name so far
 * @param own the id of what is to have it; new things have none
 * @throws ApiProblem 409 `<kind>.name_taken`
 */
export function requireFreeName(
  kind: 'workspace' | 'source' | 'destination' | 'connection',
  name: string,
  other: { id: string } | undefined,
  own?: string,
): void {
  if (!other || other.id === own) return
  throw new ApiProblem(409, `${kind}.name_taken`, `there is a ${kind} ${name} already`)
}
