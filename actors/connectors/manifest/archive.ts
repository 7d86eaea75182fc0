import { crc32, gunzipSync, inflateRawSync } from 'node:zlib'
import { derrickError } from '../../../schema/error.ts'
import type { Records } from '../../../schema/manifest/records.ts'

/** More files than any report comes in. */
const maxFiles = 1_000
const endOfDirectory = 0x06054b50
const directoryEntry = 0x02014b50
const localEntry = 0x04034b50
/** Its fixed part; a comment of up to 64 KB may follow. */
const endLength = 22
const longestComment = 0xffff
const isEncrypted = 0x1

/**
 * The files in a body: one, or those of a zip archive in their order. The bytes decide, not a header: report files come
 * compressed under any name.
 * @param maxBytes of all files together, unpacked
 * @throws DerrickError records.compression
 */
export function filesOf(
  body: Uint8Array,
  compression: Records['compression'],
  maxBytes: number,
): Uint8Array[] {
  if (compression === 'none') return [body]
  if (body[0] === 0x1f && body[1] === 0x8b) return [gunzipped(body, maxBytes)]
  const isZip = body[0] === 0x50 && body[1] === 0x4b && (body[2] === 3 || body[2] === 5)
  return isZip && compression !== 'gzip' ? zipFiles(Buffer.from(body), maxBytes) : [body]
}

function gunzipped(body: Uint8Array, maxBytes: number): Uint8Array {
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes })
  } catch (cause) {
    throw damaged('the gzip file cannot be unpacked', cause)
  }
}

/** Goes by the directory at the archive's end, as readers must: what stands before each file may be left blank. */
function zipFiles(body: Buffer, maxBytes: number): Uint8Array[] {
  const end = body.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (end < 0 || end < body.length - endLength - longestComment || end + endLength > body.length)
    throw damaged('the zip file has no directory: it may have been cut')
  try {
    return directoryFiles(body, end, maxBytes)
  } catch (cause) {
    if (cause instanceof RangeError) throw damaged('the zip file is damaged', cause)
    throw cause
  }
}

function directoryFiles(body: Buffer, end: number, maxBytes: number): Uint8Array[] {
  if (body.readUInt32LE(end) !== endOfDirectory) throw damaged('the zip file is damaged')
  const count = body.readUInt16LE(end + 10)
  if (count > maxFiles) throw damaged(`the zip file holds more than ${maxFiles} files`)
  const files: Uint8Array[] = []
  let left = maxBytes
  let at = body.readUInt32LE(end + 16)
  for (let n = 0; n < count; n++) {
    if (body.readUInt32LE(at) !== directoryEntry) throw damaged('the zip file is damaged')
    const nameLength = body.readUInt16LE(at + 28)
    const isFolder = body[at + 46 + nameLength - 1] === 0x2f
    if (!isFolder) {
      const file = unpacked(body, at, left)
      left -= file.length
      files.push(file)
    }
    at += 46 + nameLength + body.readUInt16LE(at + 30) + body.readUInt16LE(at + 32)
  }
  return files
}

function unpacked(body: Buffer, entry: number, maxBytes: number): Uint8Array {
  if (body.readUInt16LE(entry + 8) & isEncrypted) throw damaged('the zip file asks for a password')
  const method = body.readUInt16LE(entry + 10)
  const packed = body.readUInt32LE(entry + 20)
  const local = body.readUInt32LE(entry + 42)
  if (body.readUInt32LE(local) !== localEntry) throw damaged('the zip file is damaged')
  const from = local + 30 + body.readUInt16LE(local + 26) + body.readUInt16LE(local + 28)
  if (from + packed > body.length) throw damaged('the zip file is damaged')
  const bytes = body.subarray(from, from + packed)
  const file = method === 0 ? bytes : inflated(bytes, method, maxBytes)
  if (file.length > maxBytes) throw damaged('the zip file cannot be unpacked')
  if (crc32(file) !== body.readUInt32LE(entry + 16))
    throw damaged('a file in the zip file is not what its checksum says')
  return file
}

function inflated(bytes: Uint8Array, method: number, maxBytes: number): Uint8Array {
  if (method !== 8) throw damaged(`the zip file is packed by method ${method}`)
  try {
    // 0 would mean no bound.
    return inflateRawSync(bytes, { maxOutputLength: Math.max(1, maxBytes) })
  } catch (cause) {
    throw damaged('the zip file cannot be unpacked', cause)
  }
}

const damaged = (message: string, cause?: unknown) =>
  derrickError('transform', 'records.compression', message, {
    cause,
    remedy: 'it is damaged or larger than api.max_body',
  })
