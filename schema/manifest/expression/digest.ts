/**
 * SHA-256 and MD5 in plain code: expressions are synchronous and also run in browsers, where Web Crypto answers
 * only by promise. For signatures and identifiers in requests, never for passwords.
 */
const roundConstants = /* @__PURE__ */ (() => {
  const constants: number[] = []
  for (let candidate = 2; constants.length < 64; candidate += 1) {
    let isPrime = true
    for (let factor = 2; factor * factor <= candidate; factor += 1) {
      if (candidate % factor === 0) isPrime = false
    }
    if (isPrime) constants.push(Math.floor((Math.cbrt(candidate) % 1) * 2 ** 32))
  }
  return constants
})()

/** Appends 0x80, zeros and the bit length, so that the size is a multiple of 64. */
function padded(bytes: Uint8Array, littleEndian: boolean): DataView {
  const size = Math.ceil((bytes.length + 9) / 64) * 64
  const block = new Uint8Array(size)
  block.set(bytes)
  block[bytes.length] = 0x80
  const view = new DataView(block.buffer)
  view.setBigUint64(size - 8, BigInt(bytes.length) * 8n, littleEndian)
  return view
}

const rotateRight = (x: number, n: number) => (x >>> n) | (x << (32 - n))
const rotateLeft = (x: number, n: number) => (x << n) | (x >>> (32 - n))

function sha256Block(view: DataView, at: number, state: Int32Array, w: Int32Array): void {
  for (let i = 0; i < 16; i += 1) w[i] = view.getInt32(at + i * 4)
  for (let i = 16; i < 64; i += 1) {
    const x = w[i - 15] as number
    const y = w[i - 2] as number
    const s0 = rotateRight(x, 7) ^ rotateRight(x, 18) ^ (x >>> 3)
    const s1 = rotateRight(y, 17) ^ rotateRight(y, 19) ^ (y >>> 10)
    w[i] = ((w[i - 16] as number) + s0 + (w[i - 7] as number) + s1) | 0
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  for (let i = 0; i < 64; i += 1) {
    const s1 = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25)
    const t1 =
      (h + s1 + ((e & f) ^ (~e & g)) + (roundConstants[i] as number) + (w[i] as number)) | 0
    const s0 = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22)
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  const next = [a, b, c, d, e, f, g, h]
  for (let i = 0; i < 8; i += 1) state[i] = ((state[i] as number) + (next[i] as number)) | 0
}

export function sha256(bytes: Uint8Array): Uint8Array {
  const state = Int32Array.of(
    0x6a09e667,
    0xbb67ae85,
    0x3c6ef372,
    0xa54ff53a,
    0x510e527f,
    0x9b05688c,
    0x1f83d9ab,
    0x5be0cd19,
  )
  const view = padded(bytes, false)
  const w = new Int32Array(64)
  for (let at = 0; at < view.byteLength; at += 64) sha256Block(view, at, state, w)
  const out = new DataView(new ArrayBuffer(32))
  for (const [i, word] of state.entries()) out.setInt32(i * 4, word)
  return new Uint8Array(out.buffer)
}

const md5Shifts = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]

export function md5(bytes: Uint8Array): Uint8Array {
  const view = padded(bytes, true)
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)
  for (let at = 0; at < view.byteLength; at += 64) {
    let [a, b, c, d] = state as unknown as number[] as [number, number, number, number]
    for (let i = 0; i < 64; i += 1) {
      const round = i >> 4
      const mix = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round] as number
      const word = [i, 5 * i + 1, 3 * i + 5, 7 * i][round] as number
      const constant = Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32)
      const sum = (a + mix + constant + view.getInt32(at + (word % 16) * 4, true)) | 0
      a = d
      d = c
      c = b
      b = (b + rotateLeft(sum, md5Shifts[round * 4 + (i % 4)] as number)) | 0
    }
    const next = [a, b, c, d]
    for (let i = 0; i < 4; i += 1) state[i] = ((state[i] as number) + (next[i] as number)) | 0
  }
  const out = new DataView(new ArrayBuffer(16))
  for (const [i, word] of state.entries()) out.setInt32(i * 4, word, true)
  return new Uint8Array(out.buffer)
}

/** HMAC-SHA-256 (RFC 2104). */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  const block = new Uint8Array(64)
  block.set(key.length > 64 ? sha256(key) : key)
  const inner = new Uint8Array(64 + message.length)
  inner.set(block.map((byte) => byte ^ 0x36))
  inner.set(message, 64)
  const outer = new Uint8Array(96)
  outer.set(block.map((byte) => byte ^ 0x5c))
  outer.set(sha256(inner), 64)
  return sha256(outer)
}
