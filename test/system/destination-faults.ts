/** What drivers and disks throw, each with what must come of it. */
import { derrickError } from '../../schema/error.ts'
import type { Verdict } from './fault-table.ts'

export interface DestinationFault {
  name: string
  error: unknown
  of: 'postgres' | 'disk'
  is: string
  verdict: Verdict
}

const sql = (code: string, is: string, verdict: Verdict): DestinationFault => ({
  name: `SQLSTATE ${code}`,
  error: Object.assign(new Error('no'), { code, severity: 'ERROR' }),
  of: 'postgres',
  is,
  verdict,
})
const io = (code: string, verdict: Verdict, is = `destination disk.${code.toLowerCase()}`) => ({
  name: code,
  error: Object.assign(new Error('no'), { code }),
  of: 'disk' as const,
  is,
  verdict,
})

export const destinationFaults: DestinationFault[] = [
  sql('08006', 'network postgres.connection', 'tries again'),
  sql('57P01', 'network postgres.shutdown', 'tries again'),
  sql('57P03', 'network postgres.starting', 'tries again'),
  sql('40001', 'network postgres.serialization', 'tries again'),
  sql('40P01', 'network postgres.deadlock', 'tries again'),
  sql('55P03', 'network postgres.lock', 'tries again'),
  sql('53300', 'network postgres.connections', 'tries again'),
  sql('25006', 'destination postgres.read_only', 'tries again'),
  sql('53100', 'destination postgres.disk_full', 'gives up'),
  sql('28P01', 'destination postgres.sign_in', 'gives up'),
  sql('3D000', 'destination postgres.database', 'gives up'),
  sql('42501', 'destination postgres.permission', 'gives up'),
  sql('23505', 'destination postgres.23505', 'gives up'),
  {
    name: 'a lost connection',
    error: new Error('Connection terminated unexpectedly'),
    of: 'postgres',
    is: 'network postgres.connection',
    verdict: 'tries again',
  },
  io('ENOSPC', 'gives up'),
  io('EACCES', 'gives up'),
  io('EROFS', 'gives up'),
  io('EIO', 'gives up'),
  io('EMFILE', 'gives up'),
  io('ECONNREFUSED', 'tries again', 'network network.econnrefused'),
  io('ECONNRESET', 'tries again', 'network network.econnreset'),
  {
    name: 'an attempt that was overtaken',
    error: derrickError('unknown', 'destination.fenced', 'a newer attempt has the range'),
    of: 'disk',
    is: 'unknown destination.fenced',
    verdict: 'tries again',
  },
]
