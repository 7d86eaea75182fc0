import { recordNumber, type Version } from './life.ts'
import { orderRecord } from './order-record.ts'
import { customerRecord, eventRecord, productRecord, refundRecord } from './other-records.ts'
import { sku, textId } from './reference.ts'
import type { Shop, StreamName } from './shop.ts'

const renderers: Record<StreamName, (shop: Shop, version: Version) => string> = {
  orders: orderRecord,
  events: eventRecord,
  customers: customerRecord,
  products: productRecord,
  refunds: refundRecord,
}

const keys: Record<StreamName, (life: Version['life']) => string> = {
  orders: ({ hour, index }) => String(recordNumber(hour, index)),
  events: (life) => textId('evt', life),
  customers: ({ hour, index }) => String(recordNumber(hour, index)),
  products: sku,
  refunds: (life) => textId('re', life),
}

/** Each stream's primary key and cursor field, as the manifest declares them. */
export const fields: Record<StreamName, { key: string; cursor: string | null }> = {
  orders: { key: 'id', cursor: 'updated_at' },
  events: { key: 'id', cursor: 'created_at' },
  customers: { key: 'id', cursor: 'modified_at' },
  products: { key: 'sku', cursor: null },
  refunds: { key: 'id', cursor: 'created_at' },
}

/** The exact JSON text of a record in one of its states, as the API sends it. */
export function recordText(shop: Shop, stream: StreamName, version: Version): string {
  return renderers[stream](shop, version)
}

/** The value of the primary key, as text. */
export function recordKey(stream: StreamName, version: Version): string {
  return keys[stream](version.life)
}
