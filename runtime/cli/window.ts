import { derrickError } from '../../schema/error.ts'
import { startDateMs } from '../../schema/tiling.ts'

/**
 * The window that flags name, as the API takes it: a plain date begins in the source's zone.
 * @param toFlag the name of the flag that ends it
 * @throws DerrickError config.invalid
 */
export function windowOf(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  toFlag = '--to',
): { from?: string; to?: string } {
  const [start, end] = [instantOf('--from', from), instantOf(toFlag, to)]
  if (start !== undefined && end !== undefined && start >= end)
    throw derrickError(
      'unknown',
      'config.invalid',
      `--from ${from} is not before ${toFlag} ${to}`,
      {
        remedy: `${toFlag} is the first day that is not read any more`,
      },
    )
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }
}

function instantOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const at = startDateMs(text, 'UTC')
  if (at !== undefined) return at
  throw derrickError('unknown', 'config.invalid', `${flag} ${text} is no date`, {
    remedy: 'write YYYY-MM-DD, such as 2026-01-31, or 2026-01-31T12:00:00Z',
  })
}
