import type { Failure } from './failure.ts'

export type { Failure } from './failure.ts'

/** What to do next is read from the category alone; nothing else decides about retries. */
export const categories = [
  'auth',
  'rate_limit',
  'network',
  'transform',
  'destination',
  'unknown',
] as const
export type Category = (typeof categories)[number]

const retryableCategories: Record<Category, boolean> = {
  auth: false,
  rate_limit: true,
  network: true,
  transform: false,
  destination: false,
  unknown: true,
}

/** A failure with its category's retry rule filled in. */
export function failure(
  category: Category,
  code: string,
  message: string,
  more: { remedy?: string; retry_after_ms?: number; retryable?: boolean } = {},
): Failure {
  return { category, code, message, retryable: retryableCategories[category], ...more }
}

/** Carries a Failure through code that throws. Threads exchange the plain failure, never this object. */
export class DerrickError extends Error {
  readonly failure: Failure
  constructor(data: Failure, options?: { cause?: unknown }) {
    super(data.message, options)
    this.name = 'DerrickError'
    this.failure = data
  }
}

/** Shorthand for throwing a categorised failure. */
export function derrickError(
  category: Category,
  code: string,
  message: string,
  more: { remedy?: string; retry_after_ms?: number; retryable?: boolean; cause?: unknown } = {},
): DerrickError {
  const { cause, ...rest } = more
  return new DerrickError(
    failure(category, code, message, rest),
    cause === undefined ? {} : { cause },
  )
}

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])
const diskCodes: Record<string, string> = {
  ENOSPC: 'free space on the disk, then retry; nothing that was committed is lost',
  EDQUOT: 'raise the quota of this user, then retry',
  EACCES: 'give the user that runs Derrick write permission there',
  EPERM: 'give the user that runs Derrick write permission there',
  EROFS: 'the file system is read-only: choose another folder',
  ENOTDIR: 'a part of the path is a file: choose another folder',
  EEXIST: 'a file is in the way: choose another folder, or move it',
  ENOENT: 'the folder is gone: make it again, or choose another',
  ENAMETOOLONG: 'choose a shorter path, namespace or stream name',
  EMFILE: 'raise the limit of open files (ulimit -n)',
  EIO: 'the disk reports errors: check its health',
}

/** Any thrown value as a Failure; what is not known becomes `unknown` and keeps its message. */
export function toFailure(error: unknown): Failure {
  if (error instanceof DerrickError) return error.failure
  const message = error instanceof Error ? error.message : String(error)
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string' && networkCodes.has(code)) {
    return failure('network', `network.${code.toLowerCase()}`, message)
  }
  if (typeof code === 'string' && Object.hasOwn(diskCodes, code)) {
    return failure('destination', `disk.${code.toLowerCase()}`, message, {
      remedy: diskCodes[code] as string,
    })
  }
  return failure(
    'unknown',
    typeof code === 'string' ? `unknown.${code.toLowerCase()}` : 'unknown',
    message,
  )
}
