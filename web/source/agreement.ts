import type { Source } from '../../schema/source.ts'
import type { State } from '../state.ts'

/** Of a source whose access somebody agrees to in a browser: how that stands. */
export interface Agreement {
  state: State
  label: string
  /** what the button says */
  verb: string
}

/** Whether a secret of a stored config is there; it is never read back itself. */
const isSet = (config: Readonly<Record<string, unknown>> | undefined, field: string): boolean =>
  (config?.[field] as { set?: boolean } | undefined)?.set === true

/** @param field of the config, which the agreement fills */
export function agreementOf(
  source: Pick<Source, 'config' | 'state_reason'>,
  field: string,
): Agreement {
  if (!isSet(source.config, field))
    return { state: 'pending', label: 'not signed in', verb: 'Authorize' }
  const { state_reason: reason } = source
  if (reason?.category !== 'auth')
    return { state: 'complete', label: 'signed in', verb: 'Authorize again' }
  // The grant itself is gone, or the API takes what came of it no more.
  const label = reason.code === 'auth.revoked' ? 'access revoked' : 'sign-in expired or refused'
  return { state: 'failed', label, verb: 'Authorize again' }
}

/** Whether a config lacks nothing but the agreement, which can be asked for once the source is stored. */
export const awaitsAgreement = (
  field: string | null | undefined,
  config: Readonly<Record<string, unknown>>,
  stored: Readonly<Record<string, unknown>> | undefined,
): boolean => typeof field === 'string' && !isSet(stored, field) && (config[field] ?? '') === ''

/** What is said of an agreement that came to nothing, by the code of the problem; texts of others are not shown. */
export function whyNotSignedIn(code: string): string {
  switch (code) {
    case 'authorization.refused':
      return 'The API gave no access: somebody declined, or the app is not allowed to ask.'
    case 'authorization.state':
      return 'The answer came too late or twice. Begin again.'
    case 'auth.code_refused':
      return 'The API did not take its own code any more. Begin again.'
    case 'auth.no_refresh_token':
      return 'The API gave access without a refresh token; its manifest may have to ask for one (access_type: offline).'
    default:
      return 'The API did not complete the sign-in. Check the client id and secret.'
  }
}
