import t from 'tap'
import { parts } from '../parts.ts'
import { compactingSuite, localFileSuite } from './place.ts'

parts(t, localFileSuite)
t.test('with a ledger that is compacted all the time', async (t) => parts(t, compactingSuite))
