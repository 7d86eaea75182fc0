import type { Auth, AuthOf, AuthOption } from './auth.ts'
import type { Manifest } from './manifest.ts'

/** The field that a template is made of and nothing else: `{{ config.refresh_token }}` → `refresh_token`; null for any other. */
export function configField(template: string | undefined): string | null {
  return /^\{\{\s*config\??\.([a-z][a-z0-9_]{0,62})\s*\}\}$/.exec(template ?? '')?.[1] ?? null
}

/** Fields of the config whose values an API replaces with each use: refresh tokens that rotate. */
export function rotatingFields(manifest: Manifest): string[] {
  const signIns = [manifest.auth, ...Object.values(manifest.streams).map(({ auth }) => auth)]
  const fields = signIns
    .flatMap((auth) => (auth ? optionsOf(auth) : []))
    .map((auth) => {
      return auth.type === 'oauth2' && auth.rotates ? configField(auth.refresh_token) : null
    })
  return [...new Set(fields.filter((field) => field !== null))]
}

const optionsOf = (auth: Auth): AuthOption[] =>
  auth.type === 'choice' ? Object.values(auth.options) : [auth]

/** A sign-in that somebody agrees to in a browser, and the field of the config for the refresh token that comes of it. */
export interface AgreedSignIn {
  auth: AuthOf<'oauth2'>
  field: string
}

/** The connector's; null where it has none. */
export function agreedSignIn({ auth }: Manifest): AgreedSignIn | null {
  for (const option of optionsOf(auth)) {
    if (option.type !== 'oauth2' || option.grant !== 'authorization_code') continue
    const field = configField(option.refresh_token)
    if (field !== null) return { auth: option, field }
  }
  return null
}
