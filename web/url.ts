import { useLocation, useNavigate } from '@solidjs/router'
import { changedSearch } from './search.ts'

/**
 * Reads and writes the page's search parameters: every filter, tab and open drawer is in the
 * address, so that a link shows what its sender saw.
 */
export function useUrl() {
  const location = useLocation()
  const navigate = useNavigate()
  const get = (name: string): string | undefined => {
    const value = location.query[name]
    return Array.isArray(value) ? value[0] : value
  }
  /** Sets (or with undefined removes) parameters. What opens something pushes, so that Back closes it. */
  const set = (changes: Record<string, string | undefined>, options: { push?: boolean } = {}) =>
    navigate(location.pathname + changedSearch(location.search, changes), {
      replace: !options.push,
      scroll: false,
    })
  const href = (changes: Record<string, string | undefined>): string =>
    location.pathname + changedSearch(location.search, changes)
  return { get, set, href }
}
