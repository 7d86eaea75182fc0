import { derrickError, toFailure } from '../../../schema/error.ts'
import { agreedSignIn } from '../../../schema/manifest/rotating.ts'
import { openSession, type SourceOptions } from './session.ts'
import { type AgreedCode, exchangeCode } from './token-request.ts'

/** Nobody waits longer in front of a browser. */
const exchangeWithinMs = 30_000

/**
 * Trades the code that a browser brought back for a refresh token.
 * @returns the field of the config that holds it, and the token
 * @throws DerrickError auth.*, network.*
 */
export async function exchangeFor(
  options: SourceOptions,
  agreed: AgreedCode,
): Promise<Record<string, string>> {
  const found = agreedSignIn(options.manifest)
  if (!found)
    throw derrickError(
      'auth',
      'auth.not_agreed',
      'this connector asks for no agreement in a browser',
    )
  const signal = AbortSignal.timeout(exchangeWithinMs)
  try {
    const token = await exchangeCode(found.auth, agreed, openSession(options), signal)
    return { [found.field]: token }
  } catch (cause) {
    if (toFailure(cause).code !== 'auth.revoked') throw cause
    throw derrickError('auth', 'auth.code_refused', 'the API does not take the code any more', {
      cause,
      remedy: 'begin again at the source; a code works once and for a short time',
    })
  }
}
