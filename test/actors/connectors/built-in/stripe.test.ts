import { conform } from './conformance.ts'
import { stripe } from './stripe-api.ts'

conform(stripe)
