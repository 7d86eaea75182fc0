import fc from 'fast-check'
import t from 'tap'
import { maxDepth, maxDocumentDepth, parseJson } from '../../../actors/http/json.ts'
import { DerrickError } from '../../../schema/error.ts'

const parse = (text: string) => parseJson(Buffer.from(text))
const again = (text: string) => JSON.stringify(parse(text).value)
const codeOf = (body: Uint8Array | string): string => {
  try {
    parseJson(Buffer.from(body))
  } catch (error) {
    if (error instanceof DerrickError) return `${error.failure.category} ${error.failure.code}`
    throw error
  }
  return 'no error'
}

t.test('numbers that a double would change keep their digits', async (t) => {
  for (const text of [
    '[9007199254740993]',
    '[-12345678901234567890]',
    '{"a":{"b":[1,0.12345678901234567890]}}',
    '[1e400]',
    '[1e-400]',
    '[123456789012.3456789]',
    '[100000000000000000000001]',
  ])
    t.equal(again(text), text)
})

t.test('numbers that a double holds stay numbers', async (t) => {
  const text =
    '[9007199254740992,0.30000000000000004,1e3,10000000000000000000000,1.50000000000000000,0e0,-0]'
  const { value } = parse(text)
  t.ok((value as unknown[]).every((item) => typeof item === 'number'))
})

t.test('any integer or decimal comes out as the number it was', async (_t) => {
  const digits = fc.stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?$/)
  fc.assert(
    fc.property(digits, fc.nat(40), (text, padding) => {
      const { value } = parse(`{"pad":"${'x'.repeat(padding)}","n": ${text}}`)
      const written = JSON.stringify((value as { n: unknown }).n)
      const asFraction = (number: string) => {
        const [whole = '', fraction = ''] = (
          /e/.test(number) ? Number(number).toFixed(30) : number
        ).split('.')
        return BigInt(whole.replace('-', '') + fraction.padEnd(40, '0'))
      }
      return asFraction(written) === asFraction(text)
    }),
    { numRuns: 2_000 },
  )
})

t.test('every JSON value survives, hostile names included', async (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      t.same(parse(text).value, JSON.parse(text))
    }),
  )
  const { value } = parse('{"__proto__":{"admin":true},"constructor":1,"id":12345678901234567890}')
  t.same(Object.keys(value as object), ['__proto__', 'constructor', 'id'])
  t.equal(Object.getPrototypeOf(value), Object.prototype)
})

t.test(
  'bytes that are not UTF-8 are replaced and counted; a mark at the start is skipped',
  async (t) => {
    t.same(parseJson(Buffer.from('\ufeff{"a":1}')), { value: { a: 1 }, isDeep: false, replaced: 0 })
    t.equal(parse('["\ufffd"]').replaced, 0, 'one that was meant')
    const broken = Buffer.concat([Buffer.from('["caf'), Buffer.from([0xe9]), Buffer.from('"]')])
    t.same(parseJson(broken), { value: ['caf\ufffd'], isDeep: false, replaced: 1 })
  },
)

t.test('depth is bounded, and found before anything recurses', async (t) => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)
  t.equal(parse(nested(maxDepth)).isDeep, false)
  t.equal(parse(nested(maxDepth + 1)).isDeep, true)
  t.equal(parse(`[1e400,${nested(maxDocumentDepth - 1)}]`).isDeep, true, 'exact numbers too')
  t.equal(codeOf(nested(maxDocumentDepth + 1)), 'transform json.too_deep')
  const hostile = `[1e5,${nested(100_000)}]`
  t.equal(codeOf(hostile), 'transform json.too_deep')
})

t.test('what is not JSON is told apart', async (t) => {
  t.equal(codeOf(''), 'network json.empty')
  t.equal(codeOf('  \n'), 'network json.empty')
  t.equal(codeOf('<!doctype html><html>Sign in</html>'), 'transform json.html')
  t.equal(codeOf('{"data":[{"id":1},{"id'), 'network json.cut')
  t.equal(codeOf('{"data":[{"id":1},'), 'network json.cut')
  t.equal(codeOf('{"data":"abc'), 'network json.cut')
  t.equal(codeOf('OK'), 'transform json.malformed')
  t.equal(codeOf('{"a":NaN}'), 'transform json.malformed')
})

t.test('errors show a short excerpt without secrets', async (t) => {
  try {
    parseJson(Buffer.from(`token sk-very-secret is wrong ${'x'.repeat(5_000)}`), ['sk-very-secret'])
    t.fail('must throw')
  } catch (error) {
    const message = (error as Error).message
    t.notMatch(message, /very-secret/)
    t.match(message, /token \*\*\* is wrong/)
    t.ok(message.length < 300)
  }
})

t.test('a long run of zeros takes no quadratic time', async (t) => {
  const text = `[1${'0'.repeat(1_000_000)}1]`
  t.equal(again(text), text)
})
