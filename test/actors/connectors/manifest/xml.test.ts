import fc from 'fast-check'
import t from 'tap'
import { parseXml } from '../../../../actors/connectors/manifest/xml.ts'
import { DerrickError, toFailure } from '../../../../schema/error.ts'

const codeOf = (text: string): string => {
  try {
    parseXml(text)
    return 'none'
  } catch (error) {
    if (!(error instanceof DerrickError)) throw error
    const { category, code } = toFailure(error)
    return `${category} ${code}`
  }
}

t.test('elements, attributes, texts and lists', async (t) => {
  const text = `<?xml version="1.0"?><!-- a < b -->
    <rows page="1"><row id='7'>A &amp; B</row><row><name>x</name><name>y</name><empty/></row>
    <note><![CDATA[1 < 2 & so on]]></note><at>&#x20AC;&#65;&unknown;</at></rows>`
  t.same(parseXml(text), {
    rows: {
      '@page': '1',
      row: [
        { '@id': '7', '#text': 'A & B' },
        { name: ['x', 'y'], empty: '' },
      ],
      note: '1 < 2 & so on',
      at: '€A&unknown;',
    },
  })
  t.same(parseXml(text, 'row'), [
    { '@id': '7', '#text': 'A & B' },
    { name: ['x', 'y'], empty: '' },
  ])
  t.same(parseXml('<a/>', 'row'), [], 'none of them')
  t.same(parseXml('<a><i><i>1</i></i></a>', 'i'), [{ i: '1' }], 'the outermost')
  t.same(Object.keys(parseXml('<a><__proto__>1</__proto__></a>', 'a') as object[])[0], '0')
})

t.test('what is cut is asked for again, what is no XML is refused', async (t) => {
  for (const text of ['', '<a><b>1</b>', '<a', '<a b="1', '<a><!-- ', '<a><![CDATA[x'])
    t.equal(codeOf(text), 'network xml.cut', text)
  for (const text of [
    '<a></b>',
    '<a/><b/>',
    'text',
    '<a b></a>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
  ])
    t.equal(codeOf(text), 'transform xml.malformed', text)
  t.equal(codeOf('<a>'.repeat(600)), 'transform xml.too_deep')
})

t.test('any text ends in data or a failure', async () => {
  const pieces = fc.constantFrom(
    '<a>',
    '</a>',
    '<b/>',
    '<',
    '>',
    '<!--',
    '-->',
    '&amp;',
    '&#0;',
    ' c="1"',
    'x',
    '<![CDATA[',
    ']]>',
    '<?',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(pieces).map((list) => list.join('')),
      ),
      (text) => {
        codeOf(text)
      },
    ),
    { numRuns: 500 },
  )
})
