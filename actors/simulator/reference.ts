/** Ids, and how records of one stream point at records of another. */
import { between, draw, pick } from './hash.ts'
import { baseHour, recordNumber } from './life.ts'
import { dayMs, hourMs, identity, type Shop, type StreamName } from './shop.ts'
import { firstNames, lastNames } from './vocabulary.ts'
import { birthsInHour } from './volume.ts'

export interface Reference {
  hour: number
  index: number
  hash: number
}

const lookBackHours = 24 * 30
const tries = 4

/**
 * A record of `stream` that was created up to 30 days before `beforeMs`, drawn from (h, n); null when
 * none was found in a few tries (a quiet shop). It may be older than the shop itself: archived.
 */
export function earlier(
  shop: Shop,
  stream: StreamName,
  beforeMs: number,
  h: number,
  n: number,
): Reference | null {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const back = between(h, n + attempt, 1, lookBackHours)
    const hour = Math.floor(beforeMs / hourMs) - back
    const births = hour <= baseHour ? 0 : birthsInHour(shop, stream, hour)
    if (births === 0) continue
    const index = draw(h, n + tries + attempt) % births
    return { hour, index, hash: identity(shop, stream, hour, index) }
  }
  return null
}

/** One of the products that every shop has from the start; null when it has none. */
export function catalogProduct(shop: Shop, h: number, n: number): Reference | null {
  const { base } = shop.streams.products
  if (base === 0) return null
  const index = draw(h, n) % base
  return { hour: baseHour, index, hash: identity(shop, 'products', baseHour, index) }
}

export function numericId({ hour, index }: { hour: number; index: number }): number {
  return recordNumber(hour, index)
}

/** `evt_` and 13 hex digits: unique and rising, but not a number. */
export function textId(prefix: string, { hour, index }: { hour: number; index: number }): string {
  return `${prefix}_${recordNumber(hour, index).toString(16).padStart(13, '0')}`
}

/** A product's key: short for those of the first catalogue, as orders show it. */
export function sku(product: { hour: number; index: number }): string {
  return product.hour === baseHour
    ? `sku-${product.index.toString().padStart(5, '0')}`
    : textId('sku', product)
}

export function personName(h: number): { first_name: string; last_name: string } {
  return { first_name: pick(firstNames, h, 1), last_name: pick(lastNames, h, 2) }
}

/** ASCII on purpose: addresses of the reserved domain, that nobody can own. */
export function email(customer: { hour: number; index: number }): string {
  return `c${recordNumber(customer.hour, customer.index).toString(36)}@shop.example`
}

/** Cents as the decimal text that careful APIs send: "12.50". */
export function money(cents: number): string {
  return (cents / 100).toFixed(2)
}

/** Dates by day since 1970; some ten thousand until 2036. Made once: they are most of a time's cost. */
const dateTexts: string[] = []
const twoDigits = Array.from({ length: 60 }, (_, n) => n.toString().padStart(2, '0'))

/** The UTC date of an instant, as in 2026-01-31. */
export function dateText(ms: number): string {
  const day = Math.floor(ms / dayMs)
  const known = dateTexts[day]
  if (known !== undefined) return known
  const text = new Date(ms).toISOString().slice(0, 10)
  dateTexts[day] = text
  return text
}

/** RFC 3339 UTC with the precision of the stream. */
export function timeText(ms: number, precisionMs: 1 | 1000): string {
  const inDay = ms % dayMs
  const hours = twoDigits[Math.floor(inDay / hourMs)]
  const minutes = twoDigits[Math.floor(inDay / 60_000) % 60]
  const seconds = twoDigits[Math.floor(inDay / 1000) % 60]
  const whole = `${dateText(ms)}T${hours}:${minutes}:${seconds}`
  return precisionMs === 1 ? `${whole}.${(inDay % 1000).toString().padStart(3, '0')}Z` : `${whole}Z`
}
