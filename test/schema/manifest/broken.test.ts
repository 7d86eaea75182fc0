import t from 'tap'
import { load, minimal, withStream } from './support.ts'

/** The first issue as `code line:column`, and what its remedy must say. */
type Case = [name: string, text: string, expected: string, remedy?: RegExp]

const head = 'derrick: 1\nid: shop\nversion: 1.0.0\n'
const api = 'api: {base_url: "https://a.example"}\n'

const files: Case[] = [
  ['a tab as indentation', 'derrick: 1\n\tid: x\n', 'manifest.yaml 2:1'],
  ['a key twice', 'derrick: 1\nid: a\nid: b\n', 'manifest.yaml 3:1', /remove/],
  ['a merge key', 'a: &a {x: 1}\nb:\n  <<: *a\n', 'manifest.yaml 3:3', /defaults/],
  ['an alias of nothing', 'a: *b\n', 'manifest.yaml 1:4'],
  ['many aliases', `a: &a [1]\nb: [${'*a, '.repeat(101)}]\n`, 'manifest.yaml 2:405', /defaults/],
  ['__proto__', 'derrick: 1\n__proto__: {a: 1}\n', 'manifest.yaml 2:1'],
  ['a map as key', '{a: 1}: 2\n', 'manifest.yaml 1:1', /quotes/],
  ['two documents', 'a: 1\n---\nb: 2\n', 'manifest.yaml 2:1'],
  ['an unknown tag', 'a: !!js/function x\n', 'manifest.yaml 1:4'],
  ['too large', `a: "${'x'.repeat(1 << 20)}"`, 'manifest.yaml 1:1', /split/],
  ['an infinity', 'a: .inf\n', 'manifest.yaml 1:4'],
  ['an empty file', '', 'manifest.schema 1:1'],
  ['a list', '- 1\n', 'manifest.schema 1:1'],
  [
    'another format',
    `derrick: 2\nid: shop\nversion: 1.0.0\n${api}streams: {a: {}}`,
    'manifest.schema 1:10',
  ],
  ['no streams', `${head}${api}streams: {}`, 'manifest.schema 5:10'],
  [
    'an id with a capital',
    `derrick: 1\nid: Shop\nversion: 1.0.0\n${api}streams: {a: {}}`,
    'manifest.schema 2:5',
  ],
  [
    'a version as number',
    `derrick: 1\nid: shop\nversion: 1.0\n${api}streams: {a: {}}`,
    'manifest.schema 3:10',
    /quotes/,
  ],
  [
    'a misspelt section',
    `${head}${api}stream: {a: {}}\nstreams: {a: {}}`,
    'manifest.schema 5:1',
    /streams/,
  ],
  ['a bad stream name', `${head}${api}streams: {"a-b": {}}`, 'manifest.schema 5:11'],
  [
    'no web address',
    `${head}api: {base_url: ftp://x}\nstreams: {a: {}}`,
    'manifest.schema 4:17',
    /https/,
  ],
  [
    'an unknown sign-in',
    `${head}${api}auth: {type: oauth}\nstreams: {a: {}}`,
    'manifest.schema 5:14',
    /oauth2/,
  ],
  [
    'a sign-in without type',
    `${head}${api}auth: {token: x}\nstreams: {a: {}}`,
    'manifest.schema 5:7',
    /bearer/,
  ],
  [
    'a grant without its keys',
    `${head}${api}auth: {type: oauth2, grant: client_credentials, token_url: x, client_id: y}\nstreams: {a: {}}`,
    'manifest.schema 5:7',
    /client_secret/,
  ],
  [
    'a choice without option',
    `${head}config: {m: {enum: [a, b, c]}}\n${api}auth: {type: choice, by: config.m, options: {a: {type: none}, b: {type: none}}}\nstreams: {a: {}}`,
    'manifest.schema 6:45',
    /options\.c/,
  ],
  [
    'an unknown config field',
    `${head}config: {api_key: {}}\n${api}auth: {type: bearer, token: "{{ config.apikey }}"}\nstreams: {a: {}}`,
    'manifest.name 6:33',
    /api_key/,
  ],
  [
    'a name of another place',
    `${head}${api}auth: {type: bearer, token: "{{ record.x }}"}\nstreams: {a: {}}`,
    'manifest.name 5:33',
  ],
  [
    'a default outside the choices',
    `${head}config: {m: {enum: [a, b], default: c}}\n${api}streams: {a: {}}`,
    'manifest.schema 4:37',
  ],
  [
    'a secret default',
    `${head}config: {m: {secret: true, default: c}}\n${api}streams: {a: {}}`,
    'manifest.schema 4:37',
  ],
  [
    'a pattern with look-ahead',
    `${head}config: {m: {pattern: "(?=a)"}}\n${api}streams: {a: {}}`,
    'manifest.schema 4:23',
    /RE2/,
  ],
  [
    'a limit that limits nothing',
    `${head}api: {base_url: "https://a.example", limits: [{match: x}]}\nstreams: {a: {}}`,
    'manifest.schema 4:47',
  ],
  [
    'requests without per',
    `${head}api: {base_url: "https://a.example", limits: [{requests: 1}]}\nstreams: {a: {}}`,
    'manifest.schema 4:47',
    /per/,
  ],
  ['an unknown check', `${minimal}\ncheck: {stream: itmes}`, 'manifest.schema 7:17', /items/],
  [
    'a window in the check',
    `${minimal}\ncheck: {request: {path: "/{{ window.start }}"}}`,
    'manifest.name 7:30',
  ],
]

const streams: [name: string, lines: string[], expected: string, remedy?: RegExp][] = [
  ['no first page', ['paging: {type: page, name: p}'], 'manifest.schema 8:5', /first/],
  ['an unknown paging', ['paging: {type: pages}'], 'manifest.schema 8:20', /page/],
  ['an unknown action', ['errors: [{when: {status: 404}, then: ignore}]'], 'manifest.schema 8:42'],
  [
    'an impossible status',
    ['errors: [{when: {status: 40}, then: fail}]'],
    'manifest.schema 8:30',
    /5xx/,
  ],
  ['an empty condition', ['errors: [{when: {}, then: fail}]'], 'manifest.schema 8:21'],
  [
    'end_filter missing',
    ['window: {field: at, tracks: updates}'],
    'manifest.schema 8:5',
    /true \| false/,
  ],
  [
    'no end',
    ['query: {s: "{{ window.start }}"}', 'window: {field: at, tracks: updates, end_filter: true}'],
    'manifest.window.no_end 9:54',
    /window\.end/,
  ],
  [
    'an end in vain',
    ['window: {field: at, tracks: updates, end_filter: false, end: {name: e}}'],
    'manifest.window.end_unused 8:54',
  ],
  [
    'nothing sent',
    ['window: {field: at, tracks: updates, end_filter: false}'],
    'manifest.window.nothing_sent 8:5',
  ],
  [
    'hours of a date',
    [
      'window: {field: at, tracks: report, end_filter: true, start: {name: s}, end: {name: e}, format: date, unit: hour}',
    ],
    'manifest.window.unit 8:113',
  ],
  [
    'an unknown format',
    [
      'window: {field: at, tracks: report, end_filter: true, start: {name: s}, end: {name: e}, format: ISO}',
    ],
    'manifest.schema 8:101',
  ],
  [
    'an unknown zone',
    [
      'window: {field: at, tracks: report, end_filter: true, start: {name: s}, end: {name: e}, zone: Mars/Base}',
    ],
    'manifest.schema 8:99',
  ],
  [
    'an unknown member of the window',
    [
      'query: {s: "{{ window.begin }}"}',
      'window: {field: at, tracks: updates, end_filter: false, order: desc}',
    ],
    'manifest.name 8:20',
  ],
  ['a window that is not there', ['query: {s: "{{ window.start }}"}'], 'manifest.name 8:20'],
  [
    'short without size',
    ['paging: {type: page, name: p, first: 1, stop: short}'],
    'manifest.paging.short_unsent 8:51',
    /size/,
  ],
  [
    'a restart without a window',
    ['key: [id]', 'paging: {type: offset, name: o, restart: {after_records: 100}}'],
    'manifest.paging.restart 9:46',
    /add a window/,
  ],
  [
    'a restart in no order',
    [
      'key: [id]',
      'errors: [{when: {status: 400}, then: restart}]',
      'window: {field: at, tracks: creation, end_filter: false, start: {name: s}}',
    ],
    'manifest.paging.restart 9:42',
    /order: asc/,
  ],
  [
    'a restart that tells nobody where',
    [
      'key: [id]',
      'paging: {type: link, restart: {after_records: 100}}',
      'window: {field: at, tracks: creation, end_filter: true, end: {name: e}, order: asc}',
    ],
    'manifest.paging.restart 9:35',
    /window\.start/,
  ],
  [
    'a restart without a key',
    [
      'paging: {type: link, restart: {after_records: 100}}',
      'window: {field: at, tracks: creation, end_filter: false, start: {name: s}, order: asc}',
    ],
    'manifest.paging.restart 8:35',
    /key: \[id\]/,
  ],
  [
    'a size that is not sent',
    ['paging: {type: page, name: p, first: 1, size: {value: 5}}'],
    'manifest.schema 8:51',
  ],
  [
    'drift',
    [
      'paging: {type: offset, name: o}',
      'window: {field: at, tracks: updates, end_filter: true, start: {name: s}, end: {name: e}}',
    ],
    'manifest.paging.drift 8:20',
  ],
  [
    'a token that is sent nowhere',
    ['paging: {type: cursor, at: next}'],
    'manifest.schema 8:13',
    /page\.token/,
  ],
  [
    'two sources of a token',
    ['paging: {type: cursor, name: c, at: next, header: x-next}'],
    'manifest.schema 8:13',
  ],
  ['an unknown parent', ['for_each: [{parent: z, take: {a: id}}]'], 'manifest.parent 8:25'],
  ['its own parent', ['for_each: [{parent: s, take: {a: id}}]'], 'manifest.parent 8:25', /circle/],
  [
    'a name that is not taken',
    ['for_each: [{values: [1], as: one}]', 'path: "/{{ each.two }}"'],
    'manifest.name 9:16',
    /one/,
  ],
  ['each without for_each', ['path: "/{{ each.two }}"'], 'manifest.name 8:16'],
  [
    'a parent and values',
    ['for_each: [{parent: s, values: [1], as: b, take: {a: id}}]'],
    'manifest.schema 8:28',
  ],
  ['neither of two keys', ['fields: [{sett: a, to: b}]'], 'manifest.schema 8:14', /set/],
  ['two bodies', ['method: POST', 'body: {json: 1, text: x}'], 'manifest.schema 9:21'],
  ['a body with GET', ['body: {json: {a: 1}}'], 'manifest.schema 8:11', /POST/],
  ['a flag without its test', ['deletes: flag'], 'manifest.schema 8:14', /deleted_if/],
  ['a header of the engine', ['headers: {Host: x}'], 'manifest.schema 8:15'],
  ['a header that is none', ['headers: {"a b": x}'], 'manifest.schema 8:15'],
  ['an unfinished template', ['path: "/a/{{ config.zone"'], 'manifest.expr 8:15'],
  ['an empty template', ['path: "/a/{{ }}"'], 'manifest.expr 8:18'],
  ['an unknown function', ['path: "/a/{{ lowr(config.zone) }}"'], 'manifest.expr 8:18', /function/],
  ['too few arguments', ['path: "/a/{{ replace(config.zone) }}"'], 'manifest.expr 8:18'],
  ['a bad regex', ['path: "/a/{{ match(config.zone, \'(\') }}"'], 'manifest.expr 8:37'],
  ['a path that is none', ['records: {at: "a..b"}'], 'manifest.schema 8:19'],
  ['text where a list belongs', ['key: id'], 'manifest.schema 8:10', /list/],
  ['a number where text belongs', ['path: 5'], 'manifest.schema 8:11', /quotes/],
  [
    'a config field that may be missing and is declared nowhere',
    ['query: {k: "{{ config?.predictive ? 1 : 2 }}"}'],
    'manifest.name 8:20',
    /predictive: \{type: boolean\}/,
  ],
  [
    'one that may be missing and is misspelt',
    ['query: {k: "{{ config?.zonne }}"}'],
    'manifest.name 8:20',
    /config\?\.zone/,
  ],
  ['a secret in the address', ['query: {k: "{{ config.key }}"}'], 'manifest.secret.in_url 8:20'],
]

const first = (issues: ReturnType<typeof load>['issues']) =>
  issues[0] && `${issues[0].code} ${issues[0].line}:${issues[0].column}`

for (const [name, text, expected, remedy] of files) {
  t.test(name, (t) => {
    const { issues, manifest } = load(text)
    t.equal(first(issues), expected, issues[0]?.message ?? 'no issue')
    t.equal(manifest, undefined)
    if (remedy) t.match(issues[0]?.remedy, remedy)
    t.end()
  })
}

for (const [name, lines, expected, remedy] of streams) {
  t.test(`stream: ${name}`, (t) => {
    const { issues, manifest } = withStream(...lines)
    t.equal(first(issues), expected, issues[0]?.message ?? 'no issue')
    t.equal(manifest === undefined, issues[0]?.severity === 'error', 'warnings do not stop it')
    if (remedy) t.match(issues[0]?.remedy, remedy)
    t.equal(issues.length, 1, 'one mistake, one issue')
    t.end()
  })
}

t.test('circles of parents and what changed in a parent without a window', (t) => {
  const { issues } = load(`${minimal}
  a: {for_each: [{parent: b, take: {x: id}}]}
  b: {for_each: [{parent: a, take: {x: id}}]}
  c: {for_each: [{parent: items, take: {x: id}, changed_only: true}]}
  d: {for_each: [{values: "{{ config?.ids }}", as: id, else: {parent: items, take: {x: id}}}]}`)
  t.strictSame(
    issues.map(({ code, path }) => `${code} ${path}`),
    [
      'manifest.parent streams.a.for_each[0].parent',
      'manifest.parent streams.b.for_each[0].parent',
      'manifest.parent streams.c.for_each[0].changed_only',
      'manifest.name streams.d.for_each[0].values',
      'manifest.parent streams.d.for_each[0].else.take',
    ],
  )
  t.end()
})
