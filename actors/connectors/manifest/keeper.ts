import type { IssuedToken } from '../../../schema/protocol.ts'

/** A new token, and the fields of the config that its API changed with it. */
export interface Renewal {
  token: IssuedToken
  secrets: Record<string, string>
}

/**
 * Keeps a sign-in whose secret changes with each renewal: one renewal at a time in all workers, and what came of it is stored before
 * anybody uses it. A secret that was used and whose successor is lost locks the account out.
 */
export interface SignInKeeper {
  /**
   * A token that works, as far as anybody knows.
   * @param stale one that no longer works
   * @param renew asks the API, with the secrets as they are now
   * @throws DerrickError what `renew` throws, or that it could not be stored
   */
  token(
    stale: string | null,
    renew: (secrets: Record<string, unknown>) => Promise<Renewal>,
  ): Promise<IssuedToken>
}
