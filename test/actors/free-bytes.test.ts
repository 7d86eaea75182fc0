import t from 'tap'
import { freeBytes } from '../../actors/free-bytes.ts'

t.test('large memory is given back, what others share stays', (t) => {
  const large = new Uint8Array(100_000)
  freeBytes(large)
  t.equal(large.byteLength, 0)
  // Out of Node's pool, which is larger than what it is cut into.
  const pooled = Buffer.from('some text of an answer')
  const neighbour = Buffer.from('another')
  freeBytes(pooled)
  t.equal(String(pooled), 'some text of an answer')
  t.equal(String(neighbour), 'another')
  const small = new Uint8Array(1_000)
  freeBytes(small)
  t.equal(small.byteLength, 1_000)
  const shared = new Uint8Array(new SharedArrayBuffer(100_000))
  freeBytes(shared)
  t.equal(shared.byteLength, 100_000)
  t.end()
})
