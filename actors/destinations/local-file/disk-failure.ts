import { DerrickError, derrickError, toFailure } from '../../../schema/error.ts'
import { hasCode } from './disk.ts'

/** Conditions of the machine that pass by themselves. */
const passing = ['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'EINTR', 'ETIMEDOUT', 'ESTALE']

const remedies: Record<string, string> = {
  ENOENT: 'mount the disk or make the folder again, then retry',
  ENOTDIR: 'a file is in the way of a folder: move it away, or choose another folder',
  EISDIR: 'a folder is in the way of a file: move it away, or choose another folder',
  ELOOP: 'a link is in the way of a file: remove it',
  ENAMETOOLONG: 'choose a folder with a shorter path',
}

/** Whether another try from the spool may mend what a file operation ran into. */
export function passes(error: unknown): boolean {
  return (
    hasCode(error, ...passing) ||
    (error instanceof DerrickError && hasCode(error.cause, ...passing))
  )
}

/** What a file operation threw, as a failure of this destination that names the folder. */
export function diskFailure(error: unknown, root: string): Error {
  if (error instanceof DerrickError) return error
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) {
    return new DerrickError(toFailure(error), { cause: error })
  }
  const message = error instanceof Error ? error.message : String(error)
  return derrickError(
    'destination',
    `disk.${code.toLowerCase()}`,
    `writing to ${root}: ${message}`,
    {
      remedy:
        toFailure(error).remedy ?? remedies[code] ?? 'check the folder and its disk, then retry',
      retryable: passing.includes(code),
      cause: error,
    },
  )
}
