/** A text in an ArrayBuffer of its own, so that it can be transferred. */
export function ownBytes(text: string): Uint8Array<ArrayBuffer> {
  const buffer = Buffer.from(text)
  if (buffer.byteOffset === 0 && buffer.byteLength === buffer.buffer.byteLength) return buffer
  // Short texts come out of Node's shared pool, which must not be given away.
  return new Uint8Array(buffer)
}
