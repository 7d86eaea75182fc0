import { conform } from './conformance.ts'
import { demoShop } from './demo-shop-api.ts'

conform(demoShop)
