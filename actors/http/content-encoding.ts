import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { derrickError } from '../../schema/error.ts'

/** What requests offer. zstd decodes three times cheaper than gzip, so it is named first. */
export const acceptEncoding = 'zstd, gzip, br'

/** Output may be this many times the input once it is over the floor; real JSON stays under 40. */
const maxRatio = 100
/** Small bodies of one repeated value compress better than any ratio that stops bombs. */
const ratioFloorBytes = 8 * 1024 * 1024
/** Half a megabyte a step: a quarter less CPU than zlib's own 16 KiB. */
const chunkSize = 512 * 1024

/**
 * A body without its Content-Encoding, never larger than `maxBytes` and never past the ratio that marks a bomb.
 * Synchronous on purpose: in a worker it is cheaper than the thread pool.
 * @throws DerrickError http.encoding_unsupported, http.body_too_large, http.body_corrupt
 */
export function decodeBody(
  body: Uint8Array,
  contentEncoding: string | undefined,
  maxBytes: number,
): Uint8Array {
  const encoding = contentEncoding?.trim().toLowerCase() ?? ''
  if (encoding === '' || encoding === 'identity' || body.length === 0) return body
  const maxOutputLength = Math.min(maxBytes, Math.max(ratioFloorBytes, body.length * maxRatio))
  const options = { maxOutputLength, chunkSize }
  try {
    switch (encoding) {
      case 'gzip':
      case 'x-gzip':
        // Servers that set the header on a plain body exist.
        return body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body, options) : body
      case 'zstd':
        return zstdDecompressSync(body, options)
      case 'br':
        return brotliDecompressSync(body, options)
    }
  } catch (cause) {
    const code = (cause as { code?: unknown }).code
    if (code === 'ERR_BUFFER_TOO_LARGE') throw bodyTooLarge(maxOutputLength, body.length)
    throw derrickError(
      'network',
      'http.body_corrupt',
      `the answer's ${encoding} body cannot be decoded`,
      { cause, remedy: 'it is asked for again; if it persists the API or a proxy is at fault' },
    )
  }
  throw derrickError(
    'transform',
    'http.encoding_unsupported',
    `the answer has content-encoding "${encoding.slice(0, 40)}"; gzip, zstd or br were asked for`,
    { remedy: 'a proxy between Derrick and the API may be adding it' },
  )
}

/** The failure of a body over its cap. */
export function bodyTooLarge(maxBytes: number, encodedBytes?: number) {
  const from = encodedBytes === undefined ? '' : ` (${encodedBytes} bytes compressed)`
  return derrickError(
    'transform',
    'http.body_too_large',
    `the answer is larger than ${maxBytes} bytes${from}`,
    { remedy: 'ask for smaller pages, or raise api.max_body in the manifest' },
  )
}
