import { conform } from './conformance.ts'
import { usgs } from './usgs-api.ts'

conform(usgs)
