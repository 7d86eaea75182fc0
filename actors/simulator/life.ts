import { between, chance, draw, unit } from './hash.ts'
import { dayMs, epochMs, hourMs, identity, type Shop, type StreamName } from './shop.ts'
import { birthsInHour } from './volume.ts'

/** One record from its creation to its end. */
export interface Life {
  /** hours since 1970 in which it was created, and its number within that hour: together its id */
  hour: number
  index: number
  /** everything random about it is drawn from this */
  hash: number
  createdMs: number
  versions: Version[]
}

/** One state of a record. The API shows it while `fromMs <= now < untilMs`. */
export interface Version {
  life: Life
  /** 0 at creation, counts the changes */
  number: number
  /** the record's own time: created_at, or updated_at where the stream tracks updates */
  atMs: number
  fromMs: number
  untilMs: number
}

/** Live records are numbered from here, so that they never take an ordinary record's id. */
const liveIndex = 2 ** 19
const idsPerHour = 2 ** 20
const epochHour = epochMs / hourMs

/** Records that are older than history count as created in this hour, whose real instants are spread over a year. */
export const baseHour = epochHour
/** A product changes about monthly until here. */
const catalogEndMs = Date.UTC(2036, 0, 1)

/** How long after creation a record may still move; creation hours further back need no look. */
export const longestLifeMs: Record<StreamName, number> = {
  orders: 21 * dayMs,
  events: 0,
  customers: 60 * dayMs,
  products: Number.POSITIVE_INFINITY,
  refunds: 0,
}

/** The record's number in its stream; grows with its time of creation, below 2^53. */
export function recordNumber(hour: number, index: number): number {
  return (hour - epochHour) * idsPerHour + index
}

/** Everything created in one hour, in order of creation; nothing that is older than the shop. */
export function livesInHour(shop: Shop, stream: StreamName, hour: number): Life[] {
  const lives: Life[] = []
  const data = shop.streams[stream]
  if (hour === baseHour) {
    for (let index = 0; index < data.base; index += 1) {
      lives.push(
        live(shop, stream, hour, index, epochMs + Math.floor((index / data.base) * 365) * dayMs),
      )
    }
    return lives
  }
  const births = birthsInHour(shop, stream, hour)
  let previous = hour * hourMs
  for (let index = 0; index < births; index += 1) {
    const createdMs = instant(shop, stream, hour, index, births, previous)
    previous = createdMs
    if (createdMs >= shop.startMs) lives.push(live(shop, stream, hour, index, createdMs))
  }
  if (data.live !== null) addLive(shop, stream, hour, data.live, lives)
  return lives
}

/**
 * When the index-th of an hour's records is created. Edges and ties are what readers get wrong, so
 * they are common: hours and days begin with a record at their very first instant, days end with one
 * in their last tick, and one record in eight shares its instant with the one before.
 */
function instant(
  shop: Shop,
  stream: StreamName,
  hour: number,
  index: number,
  births: number,
  previous: number,
): number {
  const { precisionMs } = shop.streams[stream]
  const h = identity(shop, stream, hour, index)
  const startMs = hour * hourMs
  if (index === 0 && (hour % 24 === 0 || chance(h, 900, 0.25))) return startMs
  if (index === births - 1 && hour % 24 === 23) return startMs + hourMs - precisionMs
  if (index > 0 && chance(h, 901, 0.125)) return previous
  const offset = Math.floor(((index + unit(h, 902)) / births) * hourMs)
  return startMs + offset - (offset % precisionMs)
}

function addLive(
  shop: Shop,
  stream: StreamName,
  hour: number,
  { fromMs, perSecond }: { fromMs: number; perSecond: number },
  lives: Life[],
): void {
  const { precisionMs } = shop.streams[stream]
  const stepMs = 1000 / perSecond
  const startMs = hour * hourMs
  const first = Math.max(0, Math.ceil((Math.max(fromMs, shop.startMs) - startMs) / stepMs))
  const count = Math.ceil(hourMs / stepMs)
  for (let slot = first; slot < count; slot += 1) {
    const offset = Math.floor(slot * stepMs)
    const createdMs = startMs + offset - (offset % precisionMs)
    if (createdMs < shop.startMs) continue
    lives.push(live(shop, stream, hour, liveIndex + slot, createdMs))
  }
}

function live(
  shop: Shop,
  stream: StreamName,
  hour: number,
  index: number,
  createdMs: number,
): Life {
  const data = shop.streams[stream]
  const h = identity(shop, stream, hour, index)
  const life: Life = { hour, index, hash: h, createdMs, versions: [] }
  const late = chance(h, 910, data.lateShare)
    ? between(h, 911, 1000, Math.max(1000, data.lateMaxMs))
    : 0
  const delayMs = late + (data.lagMs === 0 ? 0 : between(h, 912, 0, data.lagMs))
  const instants = changes(shop, stream, h, createdMs)
  const deletedMs =
    stream === 'refunds' && chance(h, 913, data.deletedShare)
      ? createdMs + between(h, 914, hourMs, 20 * dayMs)
      : Number.POSITIVE_INFINITY
  instants.forEach((atMs, number) => {
    const next = instants[number + 1]
    life.versions.push({
      life,
      number,
      atMs,
      fromMs: atMs + delayMs,
      // the same delay for all versions: a record is never in two states, and never gone in between
      untilMs: next === undefined ? deletedMs + delayMs : next + delayMs,
    })
  })
  return life
}

/** The instants of a record's versions: creation first, strictly rising, cut to the stream's precision. */
function changes(shop: Shop, stream: StreamName, h: number, createdMs: number): number[] {
  const { updates, precisionMs } = shop.streams[stream]
  const instants = [createdMs]
  if (stream === 'events' || stream === 'refunds' || updates === 0) return instants
  if (stream === 'products') {
    const periodMs = (30 * dayMs) / updates
    let base = createdMs
    for (let n = 0; base < catalogEndMs; n += 1) {
      base = createdMs + Math.floor((n + 1) * periodMs)
      instants.push(base - Math.floor(unit(h, 1000 + n) * 0.9 * periodMs))
    }
    return instants
  }
  const count = Math.min(8, Math.floor(updates * 2 * unit(h, 920) + 0.5))
  const longest = longestLifeMs[stream]
  for (let n = 0; n < count; n += 1) {
    // the cube makes most changes come within hours and some after weeks
    const offset = Math.floor(unit(h, 921 + n) ** 3 * (longest - hourMs)) + 1
    const atMs = createdMs + offset
    // one change in sixteen falls on the very edge of an hour
    const onEdge = draw(h, 940 + n) % 16 === 0 ? atMs - (atMs % hourMs) : atMs
    instants.push(onEdge - (onEdge % precisionMs))
  }
  const distinct = new Set(instants.filter((atMs) => atMs >= createdMs))
  return [...distinct].sort((a, b) => a - b)
}
