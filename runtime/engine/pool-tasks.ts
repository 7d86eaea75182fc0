import type { MessagePort } from 'node:worker_threads'
import type { CheckResult } from '../../schema/destination.ts'
import { derrickError } from '../../schema/error.ts'
import type { Manifest } from '../../schema/manifest/manifest.ts'
import type { PoolTask } from '../../schema/protocol.ts'
import type { EngineDeps } from './context.ts'

/** A short task of the pool. @throws DerrickError worker.task_failed */
export async function runTask(
  { pool }: Pick<EngineDeps, 'pool'>,
  task: PoolTask<MessagePort>,
  transfer: MessagePort[] = [],
): Promise<CheckResult> {
  try {
    return (await pool.run(task, transfer)) as CheckResult
  } catch (cause) {
    // From another thread errors come without their class; of a thread that died they are nobody's.
    const { message } = cause instanceof Error ? cause : new Error(String(cause))
    throw derrickError('unknown', 'worker.task_failed', message, { cause })
  }
}

/** @param signIn a line to the keeper of the source's sign-in, where that changes with each use */
export function checkSource(
  deps: Pick<EngineDeps, 'pool' | 'allowPrivateNetworks'>,
  manifest: Manifest,
  config: Record<string, unknown>,
  signIn: MessagePort | null,
): Promise<CheckResult> {
  const { allowPrivateNetworks } = deps
  const task = { kind: 'check-source' as const, manifest, config, allowPrivateNetworks }
  return signIn ? runTask(deps, { ...task, signIn }, [signIn]) : runTask(deps, task)
}
