import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkDatabase } from '../../../../actors/destinations/postgres/check.ts'
import { startPostgres } from '../../../support/postgres.ts'
import { tempDir } from '../../../support/temp-dir.ts'

const folder = tempDir('tls', { open: true })
t.teardown(() => folder.remove())
const [key, certificate] = [join(folder.path, 'key.pem'), join(folder.path, 'certificate.pem')]
/** Comes with the Debian package of the server. */
const openssl = 'openssl'
/** A certificate that signs itself, for the server's address. */
function makeCertificate(keyFile: string, file: string): void {
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const files = ['-keyout', keyFile, '-out', file]
  execFileSync(openssl, ['req', '-x509', ...curve, '-days', '1', ...names, ...files], {
    stdio: 'ignore',
  })
}
makeCertificate(key, certificate)
chmodSync(key, 0o600)
// The server refuses a key that others may read, and runs as an account of its own under root.
if (process.getuid?.() === 0) execFileSync('chown', ['postgres', key])
const postgres = await startPostgres({
  settings: { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key },
})
t.teardown(() => postgres.remove())

const encryption = async (config: Parameters<typeof checkDatabase>[0]): Promise<string> => {
  const { ok, steps } = await checkDatabase(config)
  if (!ok) return `${steps.at(-1)?.name}: ${steps.at(-1)?.remedy}`
  return String(steps.find(({ name }) => name === 'encryption')?.message)
}

t.test('TLS as it is asked for', async (t) => {
  const { url } = postgres
  t.equal(await encryption({ url }), 'TLS, not verified')
  t.equal(await encryption({ url, ssl: 'require' }), 'TLS, not verified')
  t.match(await encryption({ url, ssl: 'disable' }), /none/)
  t.match(await encryption({ url, ssl: 'verify' }), /sign_in: .*ssl_ca/)
  const ca = readFileSync(certificate, 'utf8')
  t.equal(await encryption({ url, ssl: 'verify', ssl_ca: ca }), 'TLS, verified')
  t.equal(await encryption({ url: `${url}?sslmode=verify-full`, ssl_ca: ca }), 'TLS, verified')
  const wrongName = url.replace('127.0.0.1', 'localhost')
  t.match(await encryption({ url: wrongName, ssl: 'verify', ssl_ca: ca }), /sign_in/)
})

t.test('an authority that did not sign the certificate is no proof', async (t) => {
  const other = join(folder.path, 'other.pem')
  makeCertificate(join(folder.path, 'other-key.pem'), other)
  const ca = readFileSync(other, 'utf8')
  t.match(await encryption({ url: postgres.url, ssl: 'verify', ssl_ca: ca }), /sign_in: .*ssl_ca/)
  const url = `${postgres.url}?sslmode=verify-full`
  t.match(await encryption({ url, ssl_ca: ca }), /sign_in: .*ssl_ca/)
  t.match(await encryption({ url, ssl_ca: 'no certificate' }), /sign_in/)
})
