import { demoShop } from './demo-shop-api.ts'
import { github } from './github-api.ts'
import { intercom } from './intercom-api.ts'
import { klaviyo } from './klaviyo-api.ts'
import { mailchimp } from './mailchimp-api.ts'
import { shopify } from './shopify-api.ts'
import { stripe } from './stripe-api.ts'
import { usgs } from './usgs-api.ts'
import { zendesk } from './zendesk-api.ts'

/** Every connector of this build, with what its vendor publishes of it. */
export const builtIns = {
  demoShop,
  github,
  intercom,
  klaviyo,
  mailchimp,
  shopify,
  stripe,
  usgs,
  zendesk,
}
