import { hmacSha256, md5, sha256 } from './digest.ts'
import { ExpressionError } from './error.ts'
import { type ExpressionFunction, fn } from './function.ts'
import { charge } from './limit.ts'
import { textOf } from './value.ts'

/** Digests in plain code cost about as much as a regex. */
const costPerCharacter = 8

function bytesOf(value: unknown): Uint8Array {
  const text = textOf(value)
  charge(text.length * costPerCharacter)
  return new TextEncoder().encode(text)
}

function toBase64(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary)
}

function encoded(bytes: Uint8Array, encoding: unknown): string {
  const wanted = textOf(encoding)
  if (wanted === 'base64') return toBase64(bytes)
  if (wanted !== 'hex') throw new ExpressionError('arguments', 'a digest is hex or base64')
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function hash(value: unknown, algorithm: unknown = 'sha256', encoding: unknown = 'hex'): string {
  const name = textOf(algorithm)
  if (name === 'sha256') return encoded(sha256(bytesOf(value)), encoding)
  if (name === 'md5') return encoded(md5(bytesOf(value)), encoding)
  throw new ExpressionError('arguments', 'hash knows sha256 and md5')
}

function fromBase64(value: unknown): string {
  const text = textOf(value).replaceAll('-', '+').replaceAll('_', '/')
  charge(text.length * costPerCharacter)
  try {
    const binary = atob(text)
    return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)))
  } catch {
    throw new ExpressionError('type', 'not base64')
  }
}

export const digestFunctions: Record<string, ExpressionFunction> = {
  base64: fn(1, 1, (value) => toBase64(bytesOf(value))),
  fromBase64: fn(1, 1, fromBase64),
  hash: fn(1, 3, hash),
  hmac: fn(2, 3, (value, key, encoding = 'hex') =>
    encoded(hmacSha256(bytesOf(key), bytesOf(value)), encoding),
  ),
}
