import {
  type ApiAnswer,
  type ApiRequest,
  type BuiltIn,
  type SimulatedApi,
  type StreamCase,
  simulate,
} from './vendor.ts'
import { itemsOf, pageOf, put } from './world.ts'

const apiKey = 'rk_test_51Nq8vKcB0d2F4h6J8'

/** Path of each list by stream, and what it takes beside paging and `created`. */
const lists: Record<string, { path: string; takes?: string[]; undated?: true }> = {
  charges: { path: 'charges', takes: ['customer'] },
  payment_intents: { path: 'payment_intents' },
  setup_intents: { path: 'setup_intents' },
  refunds: { path: 'refunds' },
  disputes: { path: 'disputes' },
  payouts: { path: 'payouts', takes: ['status'] },
  transfers: { path: 'transfers' },
  balance_transactions: { path: 'balance_transactions' },
  customers: { path: 'customers', takes: ['email'] },
  invoices: { path: 'invoices', takes: ['status'] },
  invoice_items: { path: 'invoiceitems' },
  credit_notes: { path: 'credit_notes' },
  checkout_sessions: { path: 'checkout/sessions' },
  events: { path: 'events', takes: ['type'] },
  subscriptions: { path: 'subscriptions', takes: ['status'], undated: true },
  products: { path: 'products', takes: ['active'], undated: true },
  prices: { path: 'prices', takes: ['active'], undated: true },
  coupons: { path: 'coupons', undated: true },
  promotion_codes: { path: 'promotion_codes', takes: ['active'], undated: true },
}

const refuse = (status: number, type: string, message: string): ApiAnswer => ({
  status,
  body: { error: { type, message, doc_url: 'https://stripe.com/docs/error-codes' } },
})

const bounds: Record<string, (made: number, bound: number) => boolean> = {
  'created[gt]': (made, bound) => made > bound,
  'created[gte]': (made, bound) => made >= bound,
  'created[lt]': (made, bound) => made < bound,
  'created[lte]': (made, bound) => made <= bound,
}

/** Stripe as its API reference describes it. */
function answer({ world, faults }: SimulatedApi, { headers, path, query }: ApiRequest): ApiAnswer {
  if (headers.authorization !== `Bearer ${apiKey}`)
    return refuse(401, 'invalid_request_error', 'Invalid API Key provided: rk_test_****0000')
  if (!/^\d{4}-\d{2}-\d{2}\.[a-z]+$/.test(String(headers['stripe-version'])))
    return refuse(400, 'invalid_request_error', 'Invalid Stripe API version')
  if (headers['stripe-account'] !== undefined)
    return refuse(403, 'invalid_request_error', 'no such account')
  const name = path.slice('/v1/'.length)
  const spec = Object.values(lists).find((list) => list.path === name)
  if (!spec) return refuse(404, 'invalid_request_error', `Unrecognized request URL (GET: ${path}).`)
  const accepted = ['limit', 'starting_after', 'ending_before', 'expand[]', ...Object.keys(bounds)]
  const odd = [...query.keys()].find((key) => ![...accepted, ...(spec.takes ?? [])].includes(key))
  if (odd !== undefined)
    return refuse(400, 'invalid_request_error', `Received unknown parameter: ${odd}`)
  const limit = Number(query.get('limit') ?? 10)
  if (!(limit >= 1 && limit <= 100)) return refuse(400, 'invalid_request_error', 'limit')
  const found = itemsOf(world, name)
    .filter(({ ms, record }) => {
      if (name === 'subscriptions' && query.get('status') !== 'all' && record.status === 'canceled')
        return false
      return Object.entries(bounds).every(([key, test]) => {
        const bound = query.get(key)
        return bound === null || test(ms / 1_000, Number(bound))
      })
    })
    .sort((a, b) => b.ms - a.ms)
  const after = query.get('starting_after')
  const at = after === null ? -1 : found.findIndex(({ record }) => record.id === after)
  if (after !== null && at < 0)
    return refuse(400, 'invalid_request_error', `No such object: '${after}'`)
  const { records, next } = pageOf(world, faults, found, at + 1, limit)
  return { body: { object: 'list', url: path, has_more: next !== null, data: records } }
}

function stream(name: string): StreamCase {
  const { path } = lists[name] as { path: string }
  return {
    seed(world, n, ms) {
      const id = `${name.slice(0, 2)}_${String(n).padStart(6, '0')}`
      const status = n % 2 === 0 ? 'canceled' : 'active'
      put(world, path, ms, { id, object: name, created: ms / 1_000, status })
      return [id]
    },
    rowId: ({ id }) => String(id),
  }
}

export const stripe: BuiltIn = {
  id: 'stripe',
  hosts: ['api.stripe.com'],
  makeApi: simulate(answer),
  config: { api_key: apiKey },
  wrongConfig: { api_key: 'rk_test_wrong0000' },
  secrets: [apiKey, 'rk_test_wrong0000'],
  forbidden: refuse(
    403,
    'invalid_request_error',
    'The provided key does not have the required permissions for this endpoint.',
  ),
  tooMany: refuse(429, 'invalid_request_error', 'Request rate limit exceeded.'),
  tooManyWaitMs: null,
  allows: [{ match: /^\/v1\//, requests: 25, perMs: 1_000 }],
  newestFirst: Object.keys(lists).filter((name) => !lists[name]?.undated),
  streams: Object.fromEntries(Object.keys(lists).map((name) => [name, stream(name)])),
}
