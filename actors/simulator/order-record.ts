import { between, chance, draw, pick, unit } from './hash.ts'
import type { Version } from './life.ts'
import {
  catalogProduct,
  dateText,
  earlier,
  email,
  money,
  numericId,
  sku,
  timeText,
} from './reference.ts'
import type { Shop } from './shop.ts'
import {
  channels,
  colours,
  firstNames,
  goods,
  inQuotes,
  lastNames,
  notes,
  places,
  streets,
} from './vocabulary.ts'

const lifeCycle = ['open', 'paid', 'packed', 'shipped', 'delivered', 'closed'] as const
const taxRates = [0, 0.07, 0.19, 0.2, 0.0825] as const

/** Words as JSON text: written once here instead of at each of a million records. */
const json = {
  channels: inQuotes(channels),
  colours: inQuotes(colours),
  firstNames: inQuotes(firstNames),
  lastNames: inQuotes(lastNames),
  notes: inQuotes(notes),
  streets: inQuotes(streets).map((text) => text.slice(1, -1)),
  titles: inQuotes(goods.flatMap((good) => colours.map((colour) => `${good}, ${colour}`))),
  places: places.map(({ city, zip, country }) =>
    JSON.stringify({ city, zip, country }).slice(1, -1),
  ),
}

/**
 * An order as the API shows it, as JSON text. Nested and untidy like the real ones: money both as
 * decimal text and as number, nulls, optional fields, an integer that may exceed 2^53.
 */
export function orderRecord(shop: Shop, version: Version): string {
  const { life, number, atMs } = version
  const h = life.hash
  const { precisionMs } = shop.streams.orders
  const { cents, text: items } = lineItems(shop, h)
  const updated = `"${timeText(atMs, precisionMs)}"`
  const cancelled = number > 0 && chance(h, 11, 0.05)
  const status = cancelled ? 'cancelled' : lifeCycle[Math.min(number, lifeCycle.length - 1)]
  return `{"id":${numericId(life)},"order_number":"A-${(draw(h, 12) % 900000) + 100000}","created_at":"${timeText(
    life.createdMs,
    precisionMs,
  )}","updated_at":${updated},"processed_on":"${dateText(life.createdMs)}","status":"${status}","revision":${number},"paid":${
    number > 0 || chance(h, 13, 0.6)
  },"cancelled_at":${cancelled ? updated : 'null'},"currency":"${pick(places, h, 10).currency}","total_price":"${money(
    cents,
  )}","subtotal":${cents / 100},"tax_rate":${pick(taxRates, h, 14)},"exchange_rate":${
    1 + unit(h, 15) / 10
  },"channel":${pick(json.channels, h, 16)},"customer":${buyer(shop, life.createdMs, h)},"shipping_address":${
    chance(h, 17, 0.1) ? 'null' : address(h, 20)
  },"billing_address":${chance(h, 18, 0.4) ? address(h, 30) : 'null'},"line_items":${items},"note":${
    chance(h, 19, 0.3) ? pick(json.notes, h, 40) : 'null'
  },"tags":${chance(h, 41, 0.7) ? '[]' : `["vip",${pick(json.colours, h, 42)}]`},"ledger_id":${ledgerId(h)}${extras(h)}}`
}

/** Fields that only some orders have: a reader meets new columns in the middle of a range. */
function extras(h: number): string {
  const gift = chance(h, 43, 0.03) ? `,"gift_message":${pick(json.notes, h, 44)}` : ''
  if (!chance(h, 45, 0.1)) return gift
  return `${gift},"attributes":{"utm_source":${pick(json.channels, h, 46)},"score":${unit(h, 47)}}`
}

function lineItems(shop: Shop, h: number): { cents: number; text: string } {
  let cents = 0
  let text = ''
  const count = between(h, 50, 1, 4)
  for (let n = 0; n < count; n += 1) {
    const product = catalogProduct(shop, h, 60 + n)
    const quantity = between(h, 100 + n, 1, 3)
    const price = between(h, 110 + n, 199, 19999)
    cents += quantity * price
    text += `${n === 0 ? '' : ','}{"id":${draw(h, 70 + n)},"product_id":${
      product === null ? 'null' : `"${sku(product)}"`
    },"title":${pick(json.titles, h, 80 + n)},"quantity":${quantity},"price":${price / 100},"discount":${
      chance(h, 120 + n, 0.2) ? `"${money(between(h, 130 + n, 50, 500))}"` : 'null'
    }}`
  }
  return { cents, text: `[${text}]` }
}

function buyer(shop: Shop, createdMs: number, h: number): string {
  if (chance(h, 140, 0.08)) return 'null'
  const customer = earlier(shop, 'customers', createdMs, h, 141)
  if (customer === null) return 'null'
  const { hash } = customer
  return `{"id":${numericId(customer)},"first_name":${pick(json.firstNames, hash, 1)},"last_name":${pick(
    json.lastNames,
    hash,
    2,
  )},"email":"${email(customer)}","accepts_marketing":${chance(hash, 3, 0.5)}}`
}

function address(h: number, n: number): string {
  const line2 = chance(h, n + 3, 0.8) ? 'null' : `"Apt ${between(h, n + 4, 1, 99)}"`
  const location = chance(h, n + 5, 0.5)
    ? `{"lat":${unit(h, n + 6) * 180 - 90},"lon":${unit(h, n + 7) * 360 - 180}}`
    : 'null'
  return `{"line1":"${between(h, n + 1, 1, 250)} ${pick(json.streets, h, n + 2)}","line2":${line2},${pick(
    json.places,
    h,
    n,
  )},"location":${location}}`
}

/** One order in fifty has an id that a double cannot hold. */
function ledgerId(h: number): string {
  if (!chance(h, 150, 0.02)) return String(draw(h, 151))
  return (2n ** 53n + BigInt(draw(h, 152)) * 2n + 1n).toString()
}
