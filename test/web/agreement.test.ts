import t from 'tap'
import { agreementOf, awaitsAgreement, whyNotSignedIn } from '../../web/source/agreement.ts'

const failed = (code: string) => ({
  category: 'auth' as const,
  code,
  message: 'm',
  remedy: 'r',
  retryable: false,
})
const set = { token: { set: true, hint: '…4f2a' } }

t.test('how an agreement stands', (t) => {
  const label = (config: Record<string, unknown>, state_reason: ReturnType<typeof failed> | null) =>
    agreementOf({ config, state_reason }, 'token').label
  t.equal(label({}, null), 'not signed in')
  t.equal(label({ token: { set: false } }, failed('auth.revoked')), 'not signed in')
  t.equal(label(set, null), 'signed in')
  t.equal(label(set, failed('auth.revoked')), 'access revoked')
  t.equal(label(set, failed('http.status_401')), 'sign-in expired or refused')
  t.equal(label(set, { ...failed('x'), category: 'network' as never }), 'signed in')
  t.end()
})

t.test('a source that lacks only the agreement need not be tried', (t) => {
  t.ok(awaitsAgreement('token', {}, undefined))
  t.ok(awaitsAgreement('token', { token: '' }, { token: { set: false } }))
  t.notOk(awaitsAgreement('token', { token: 'pasted' }, undefined))
  t.notOk(awaitsAgreement('token', {}, set))
  t.notOk(awaitsAgreement(null, {}, undefined))
  t.end()
})

t.test('every code of the way back has words', (t) => {
  const codes = ['authorization.refused', 'authorization.state', 'auth.code_refused', 'x']
  t.equal(new Set(codes.map(whyNotSignedIn)).size, codes.length)
  t.end()
})
