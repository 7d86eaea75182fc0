import { conform } from './conformance.ts'
import { zendesk } from './zendesk-api.ts'

conform(zendesk)
