import { conform } from './conformance.ts'
import { intercom } from './intercom-api.ts'

conform(intercom)
