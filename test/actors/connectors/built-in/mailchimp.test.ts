import { conform } from './conformance.ts'
import { mailchimp } from './mailchimp-api.ts'

conform(mailchimp)
