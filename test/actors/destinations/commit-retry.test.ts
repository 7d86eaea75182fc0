import t from 'tap'
import { mostCommitTries, repeatTransient } from '../../../actors/destinations/commit-retry.ts'
import { derrickError } from '../../../schema/error.ts'
import { failureCode } from './attempts.ts'

const never = new AbortController().signal
const noWait = (): number => 0

/** Fails with these errors, one a try, then holds. */
function failing(...errors: unknown[]): { commit: () => Promise<string>; tries: () => number } {
  let tries = 0
  return {
    commit: async () => {
      const error = errors[tries]
      tries += 1
      if (error !== undefined) throw error
      return 'committed'
    },
    tries: () => tries,
  }
}
const lost = (): Error => derrickError('network', 'network.lost', 'the connection was lost')

t.test('transient failures are repeated from the spool, up to the bound', async (t) => {
  const twice = failing(lost(), lost())
  t.equal(await repeatTransient(twice.commit, undefined, never, noWait), 'committed')
  t.equal(twice.tries(), 3)
  const always = failing(...Array.from({ length: 100 }, lost))
  t.equal(
    await failureCode(repeatTransient(always.commit, undefined, never, noWait)),
    'network.lost',
  )
  t.equal(always.tries(), mostCommitTries)
})

t.test('what the writer names is transient too; nothing else is', async (t) => {
  const deadlock = Object.assign(new Error('deadlock'), { code: '40P01' })
  const named = failing(deadlock)
  await repeatTransient(named.commit, (error) => error === deadlock, never, noWait)
  t.equal(named.tries(), 2)
  for (const error of [deadlock, derrickError('destination', 'destination.fenced', 'x')]) {
    const once = failing(error)
    t.ok(await failureCode(repeatTransient(once.commit, () => false, never, noWait)))
    t.equal(once.tries(), 1)
  }
})

t.test('an abort ends the wait', async (t) => {
  const abort = new AbortController()
  const { commit, tries } = failing(lost(), lost())
  const run = repeatTransient(commit, undefined, abort.signal, () => 1)
  setImmediate(() => abort.abort(new Error('given up')))
  await t.rejects(run)
  t.equal(tries(), 1)
})
