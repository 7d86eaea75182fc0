import type { FastifyReply, FastifyRequest } from 'fastify'
import { sha256 } from './keys.ts'
import { ApiProblem } from './problem.ts'

export const versionTag = (version: number): string => `"${version}"`
/** For things without a version of their own. */
export const contentTag = (value: unknown): string =>
  `"${sha256(JSON.stringify(value)).slice(0, 16)}"`

/** Honours `If-Match`. Throws ApiProblem 412 when the thing is not what the caller last saw. */
export function checkIfMatch(request: FastifyRequest, tag: string): void {
  const wanted = request.headers['if-match']
  if (wanted === undefined || wanted.trim() === '*') return
  const tags = wanted.split(',').map((one) => one.trim())
  if (tags.includes(tag)) return
  throw new ApiProblem(412, 'precondition.failed', 'it was changed in the meantime', {
    remedy: 'read it again and repeat the change',
  })
}

/** Sends a resource with its tag. */
export function sendTagged<T>(reply: FastifyReply, tag: string, resource: T): T {
  reply.header('etag', tag)
  return resource
}
