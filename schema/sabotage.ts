/**
 * Deliberate breaches of the promises of a commit, for the harness that must notice them. A build-time constant: bundles
 * of the product define it as empty, which leaves nothing of the breaches in them; from source it is empty, too. The harness
 * has a build of its own, where it is what the environment says.
 */
declare const DERRICK_SABOTAGE: unknown

/**
 * mark_before_commit: completes in the ledger first; cleanup_first: empties a range before it is read again; no_fence: lets
 * overtaken attempts commit; skip_cleanup: leaves what a commit replaces; no_guard: lets older versions of a record overwrite
 * newer ones; prefix_delete: clears whole folders.
 */
export type Sabotage =
  | ''
  | 'mark_before_commit'
  | 'cleanup_first'
  | 'no_fence'
  | 'skip_cleanup'
  | 'no_guard'
  | 'prefix_delete'

export const sabotage = (typeof DERRICK_SABOTAGE === 'string' ? DERRICK_SABOTAGE : '') as Sabotage
