import type { IncomingHttpHeaders } from 'node:http'
import type { SignIn } from './route.ts'

/** The key that a request carries in one of the accepted ways; null when it carries none. */
export function presentedKey(headers: IncomingHttpHeaders, style: SignIn): string | null {
  const authorization = headers.authorization ?? ''
  const any = style === 'any' || style === 'none'
  if (any || style === 'bearer') {
    const bearer = /^Bearer (\S+)$/.exec(authorization)
    if (bearer?.[1] !== undefined) return bearer[1]
  }
  if (any || style === 'api_key') {
    const key = headers['x-api-key']
    if (typeof key === 'string' && key !== '') return key
  }
  if (any || style === 'basic') {
    // the key is the user's name, the password stays empty
    const basic = /^Basic ([A-Za-z0-9+/=]+)$/.exec(authorization)
    if (basic?.[1] !== undefined) {
      const [user, password] = Buffer.from(basic[1], 'base64').toString().split(':')
      if (user && password === '') return user
    }
  }
  return null
}
