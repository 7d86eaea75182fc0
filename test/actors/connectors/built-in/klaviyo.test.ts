import { conform } from './conformance.ts'
import { klaviyo } from './klaviyo-api.ts'

conform(klaviyo)
