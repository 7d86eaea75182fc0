import t from 'tap'
import { conformance } from '../conformance.ts'
import { stoppedWorld } from '../stopped-world.ts'
import { localFileSuite } from './place.ts'

t.setTimeout(180_000)
conformance(t, localFileSuite)
stoppedWorld(t, localFileSuite)
