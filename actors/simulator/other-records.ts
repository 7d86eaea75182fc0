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
  textId,
  timeText,
} from './reference.ts'
import type { Shop } from './shop.ts'
import { colours, eventTypes, goods, notes, places, refundReasons } from './vocabulary.ts'

/** Something that happened once and never changes, as JSON text: events are the bulk of the shop. */
export function eventRecord(shop: Shop, { life, atMs }: Version): string {
  const h = life.hash
  const type = pick(eventTypes, h, 10)
  const customer = chance(h, 11, 0.4) ? null : earlier(shop, 'customers', atMs, h, 12)
  const product = catalogProduct(shop, h, 30)
  return `{"id":"${textId('evt', life)}","type":"${type}","created_at":"${timeText(
    atMs,
    shop.streams.events.precisionMs,
  )}","customer_id":${customer === null ? 'null' : numericId(customer)},"session":"${draw(h, 31)
    .toString(16)
    .padStart(8, '0')}","value":${
    type === 'order_placed' ? between(h, 32, 500, 50000) / 100 : 'null'
  },"properties":{"sku":${product === null ? 'null' : `"${sku(product)}"`},"path":"/shop/${pick(
    colours,
    h,
    33,
  )}?q=${draw(h, 34) % 1000}","first_visit":${chance(h, 35, 0.2)},"duration_ms":${between(h, 36, 1, 90_000)}}}`
}

/** A person who bought; flagged `deleted` at the end of some lives. */
export function customerRecord(shop: Shop, { life, number, atMs }: Version): string {
  const h = life.hash
  const { precisionMs, deletedShare } = shop.streams.customers
  const isLast = number === life.versions.length - 1
  const deleted = number > 0 && isLast && chance(h, 913, deletedShare)
  const place = pick(places, h, 4)
  return JSON.stringify({
    id: numericId(life),
    ...personName(h),
    email: deleted ? null : email(life),
    created_at: timeText(life.createdMs, precisionMs),
    modified_at: timeText(atMs, precisionMs),
    deleted,
    accepts_marketing: chance(h, 3, 0.5),
    orders_count: number + (draw(h, 5) % 7),
    lifetime_value: money(between(h, 6 + number, 0, 900_000)),
    country: place.country,
    birthday: chance(h, 20, 0.5) ? null : new Date(unit(h, 21) * 1e12).toISOString().slice(0, 10),
    about: chance(h, 22, 0.2) ? pick(notes, h, 23) : null,
  })
}

/** An article of the catalogue. Its key is a text, its price moves about monthly. */
export function productRecord(shop: Shop, { life, number, atMs }: Version): string {
  const h = life.hash
  const cents = between(h, 10, 499, 29_999)
  return JSON.stringify({
    sku: sku(life),
    title: `${pick(goods, h, 11)}, ${pick(colours, h, 12)}`,
    price: Math.round(cents * (0.9 + 0.2 * unit(h, 2000 + number))) / 100,
    active: chance(h, 13, 0.9),
    stock: between(h, 3000 + number, 0, 500),
    updated_at: timeText(atMs, shop.streams.products.precisionMs),
    dimensions: { width_mm: between(h, 14, 10, 900), depth_mm: between(h, 15, 10, 900) },
    variants: Array.from({ length: between(h, 16, 0, 3) }, (_, n) => ({
      colour: pick(colours, h, 20 + n),
      barcode: `40${draw(h, 30 + n)
        .toString()
        .padStart(11, '0')}`,
    })),
  })
}

/** Money given back for an order. Some are removed for good later: the API forgets that they were there. */
export function refundRecord(shop: Shop, { life, atMs }: Version): string {
  const h = life.hash
  const order = earlier(shop, 'orders', atMs, h, 10)
  return JSON.stringify({
    id: textId('re', life),
    order_id: order === null ? null : numericId(order),
    created_at: timeText(atMs, shop.streams.refunds.precisionMs),
    amount: money(between(h, 30, 100, 40_000)),
    reason: pick(refundReasons, h, 31),
    restock: chance(h, 32, 0.5),
  })
}
