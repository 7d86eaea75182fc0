import { between, chance, draw, pick, unit } from './hash.ts'
import type { Version } from './life.ts'
import {
  catalogProduct,
  earlier,
  email,
  money,
  numericId,
  personName,
  sku,
  timeText,
} from './reference.ts'
import type { Shop } from './shop.ts'
import { channels, colours, goods, notes, places, streets } from './vocabulary.ts'

const lifeCycle = ['open', 'paid', 'packed', 'shipped', 'delivered', 'closed'] as const

/** JSON.rawJSON is newer than the compiler's library: it writes a number's digits as they are. */
const rawNumber = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON

/**
 * An order as the API shows it. Nested and untidy like the real ones: money both as decimal text and
 * as number, nulls, optional fields, an integer that may exceed 2^53.
 */
export function orderRecord(shop: Shop, version: Version): unknown {
  const { life, number, atMs } = version
  const h = life.hash
  const place = pick(places, h, 10)
  const items = lineItems(shop, h)
  const cents = items.reduce((sum, item) => sum + item.quantity * Math.round(item.price * 100), 0)
  const cancelled = number > 0 && chance(h, 11, 0.05)
  const record: Record<string, unknown> = {
    id: numericId(life),
    order_number: `A-${(draw(h, 12) % 900000) + 100000}`,
    created_at: timeText(life.createdMs, shop.streams.orders.precisionMs),
    updated_at: timeText(atMs, shop.streams.orders.precisionMs),
    processed_on: new Date(life.createdMs).toISOString().slice(0, 10),
    status: cancelled ? 'cancelled' : lifeCycle[Math.min(number, lifeCycle.length - 1)],
    revision: number,
    paid: number > 0 || chance(h, 13, 0.6),
    cancelled_at: cancelled ? timeText(atMs, shop.streams.orders.precisionMs) : null,
    currency: place.currency,
    total_price: money(cents),
    subtotal: cents / 100,
    tax_rate: pick([0, 0.07, 0.19, 0.2, 0.0825], h, 14),
    exchange_rate: 1 + unit(h, 15) / 10,
    channel: pick(channels, h, 16),
    customer: buyer(shop, life.createdMs, h),
    shipping_address: chance(h, 17, 0.1) ? null : address(h, 20),
    billing_address: chance(h, 18, 0.4) ? address(h, 30) : null,
    line_items: items,
    note: chance(h, 19, 0.3) ? pick(notes, h, 40) : null,
    tags: chance(h, 41, 0.7) ? [] : ['vip', pick(colours, h, 42)],
    ledger_id: ledgerId(h),
  }
  // fields that only some orders have: a reader meets new columns in the middle of a range
  if (chance(h, 43, 0.03)) record.gift_message = pick(notes, h, 44)
  if (chance(h, 45, 0.1))
    record.attributes = { utm_source: pick(channels, h, 46), score: unit(h, 47) }
  return record
}

interface LineItem {
  id: number
  product_id: string | null
  title: string
  quantity: number
  price: number
  discount: string | null
}

function lineItems(shop: Shop, h: number): LineItem[] {
  return Array.from({ length: between(h, 50, 1, 4) }, (_, n) => {
    const product = catalogProduct(shop, h, 60 + n)
    return {
      id: draw(h, 70 + n),
      product_id: product === null ? null : sku(product),
      title: `${pick(goods, h, 80 + n)}, ${pick(colours, h, 90 + n)}`,
      quantity: between(h, 100 + n, 1, 3),
      price: between(h, 110 + n, 199, 19999) / 100,
      discount: chance(h, 120 + n, 0.2) ? money(between(h, 130 + n, 50, 500)) : null,
    }
  })
}

function buyer(shop: Shop, createdMs: number, h: number): unknown {
  if (chance(h, 140, 0.08)) return null
  const customer = earlier(shop, 'customers', createdMs, h, 141)
  if (customer === null) return null
  return {
    id: numericId(customer),
    ...personName(customer.hash),
    email: email(customer),
    accepts_marketing: chance(customer.hash, 3, 0.5),
  }
}

function address(h: number, n: number): unknown {
  const place = pick(places, h, n)
  return {
    line1: `${between(h, n + 1, 1, 250)} ${pick(streets, h, n + 2)}`,
    line2: chance(h, n + 3, 0.8) ? null : `Apt ${between(h, n + 4, 1, 99)}`,
    city: place.city,
    zip: place.zip,
    country: place.country,
    location: chance(h, n + 5, 0.5)
      ? { lat: unit(h, n + 6) * 180 - 90, lon: unit(h, n + 7) * 360 - 180 }
      : null,
  }
}

/** One order in fifty has an id that a double cannot hold. */
function ledgerId(h: number): unknown {
  if (!chance(h, 150, 0.02)) return draw(h, 151)
  return rawNumber((2n ** 53n + BigInt(draw(h, 152)) * 2n + 1n).toString())
}
