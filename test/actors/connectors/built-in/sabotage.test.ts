import t from 'tap'
import type { Manifest, ManifestStream } from '../../../../schema/manifest/manifest.ts'
import type { Window } from '../../../../schema/manifest/window.ts'
import { builtIns } from './built-ins.ts'
import { idsOf, open, rangeOf, read } from './conformance.ts'
import type { BuiltIn } from './vendor.ts'

const { github, intercom, klaviyo, mailchimp, shopify, stripe, usgs, zendesk } = builtIns

/** Mistakes that an author could make. The suite is worth something only if it finds each. */
const mistakes: [string, BuiltIn, string, (stream: ManifestStream, manifest: Manifest) => void][] =
  [
    ['an edge that does not count', klaviyo, 'profiles', ({ window }) => inclusive(window)],
    ['an edge that does not count', mailchimp, 'list_members', ({ window }) => inclusive(window)],
    ['an edge that does not count', intercom, 'conversations', ({ window }) => inclusive(window)],
    [
      'archived ones left out',
      klaviyo,
      'campaigns',
      (stream) => {
        stream.for_each.length = 1
        stream.query.filter = String(stream.query.filter).replace('{{ each.archived }}', 'false')
      },
    ],
    ['closed ones left out', shopify, 'orders', ({ query }) => delete query.status],
    ['closed ones left out', github, 'issues', ({ query }) => delete query.state],
    ['canceled ones left out', stripe, 'subscriptions', ({ query }) => delete query.status],
    [
      'a parameter that the API does not know',
      shopify,
      'customers',
      ({ window }) => {
        if (window) window.start = { in: 'query', name: 'modified_since' }
      },
    ],
    [
      'an operator that the field does not have',
      klaviyo,
      'reviews',
      ({ query }) => {
        query.filter = String(query.filter).replace('less-or-equal', 'less-than')
      },
    ],
    [
      'no pages',
      stripe,
      'charges',
      (stream) => {
        stream.paging = { type: 'none' }
      },
    ],
    [
      'the time that the export does not go by',
      zendesk,
      'tickets',
      ({ window }) => {
        if (window) window.field = 'updated_at'
      },
    ],
    [
      'links.next on the last page, too',
      zendesk,
      'groups',
      ({ paging }) => {
        if (paging.type === 'next_url') delete paging.more
      },
    ],
    [
      'days of another zone',
      intercom,
      'contacts',
      (stream) => {
        const body = JSON.stringify(stream.body).replaceAll('90000', '0')
        stream.body = JSON.parse(body) as NonNullable<ManifestStream['body']>
      },
    ],
    [
      'offsets that begin at 0',
      usgs,
      'earthquakes',
      ({ paging }) => {
        if (paging.type === 'offset') paging.first = 0
      },
    ],
    [
      'a revision that is retired',
      klaviyo,
      'events',
      ({ headers }) => {
        headers.revision = '2024-10-15'
      },
    ],
    [
      'parameters beside page_info',
      shopify,
      'products',
      ({ paging }) => {
        if (paging.type === 'link') paging.keep_params = true
      },
    ],
  ]

function inclusive(window: Window | null): void {
  if (window) window.start_is = 'inclusive'
}

t.test('the suite finds the mistakes that authors make', async (t) => {
  for (const [what, builtIn, name, change] of mistakes) {
    const bench = await open(builtIn, name, (manifest) =>
      change(manifest.streams[name] as ManifestStream, manifest),
    )
    const got = await read(bench, rangeOf(bench))
    const isRight = JSON.stringify(got.ids.sort()) === JSON.stringify([...idsOf(bench)].sort())
    t.ok(got.failure || !isRight, `${builtIn.id} ${name}: ${what}`)
  }
})
