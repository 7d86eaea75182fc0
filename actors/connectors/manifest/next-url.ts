import { derrickError } from '../../../schema/error.ts'

/**
 * The next page's address, absolute. It must stay on the host of `baseUrl` (or one that the manifest names), since the
 * credentials go with it. An API behind a proxy that writes http:// for its own https host is read as https.
 * @throws DerrickError paging.host, paging.token
 */
export function nextUrlOn(
  text: string,
  answeredBy: string,
  baseUrl: string,
  otherHosts: readonly string[],
): string {
  const base = new URL(baseUrl)
  const next = URL.parse(text, answeredBy)
  if (!next) {
    throw derrickError('transform', 'paging.token', 'the next URL is not a web address', {
      remedy: 'check paging in the manifest',
    })
  }
  next.hash = ''
  if (base.protocol === 'https:' && next.protocol === 'http:' && next.port === '') {
    next.protocol = 'https:'
  }
  const isOther = otherHosts.includes(next.hostname) || otherHosts.includes(next.host)
  const isSafe = next.username === '' && next.password === '' && next.protocol === base.protocol
  if (!isSafe || !(next.host === base.host || isOther)) {
    throw derrickError(
      'transform',
      'paging.host',
      `the next URL leads to ${next.origin}, away from ${base.origin}`,
      { remedy: 'if that host belongs to the API, name it in paging.other_hosts' },
    )
  }
  return next.href
}
