import { conform } from './conformance.ts'
import { shopify } from './shopify-api.ts'

conform(shopify)
