import { type Rule, rules, type Violation } from './judge.ts'

export interface Finding extends Violation {
  when: string
}

/** What a harness run did and found. */
export class Tally {
  readonly #beganAt = performance.now()
  readonly kills: Record<string, number> = {}
  clockMoves = 0
  zombies = 0
  /** of a reader that never stops looking */
  looks = 0
  violations: Finding[] = []
  crashes: string[] = []

  killed(kind: string): void {
    this.kills[kind] = (this.kills[kind] ?? 0) + 1
  }

  found(when: string, violations: readonly Violation[]): void {
    this.violations.push(...violations.map((each) => ({ when, ...each })))
  }

  crashed(why: string): void {
    this.crashes.push(why)
  }

  get failed(): boolean {
    return this.violations.length > 0 || this.crashes.length > 0
  }

  get killCount(): number {
    return Object.values(this.kills).reduce((sum, count) => sum + count, 0)
  }

  count(rule: Rule): number {
    return this.violations.filter((each) => each.rule === rule).length
  }

  /** One JSON line for scripts. */
  summary(more: Record<string, unknown>): Record<string, unknown> {
    return {
      ...more,
      kills: this.killCount,
      by_moment: this.kills,
      clock_moves: this.clockMoves,
      zombies: this.zombies,
      ...(this.looks > 0 ? { looks: this.looks } : {}),
      violations: Object.fromEntries(rules.map((rule) => [rule, this.count(rule)])),
      crashes: this.crashes.length,
      seconds: Math.round((performance.now() - this.#beganAt) / 1000),
      ok: !this.failed,
    }
  }
}

const mostShown = 20

/** The table for people, and the first findings in full. */
export function reportText(tally: Tally, summary: Record<string, unknown>): string {
  const kinds = Object.entries(tally.kills).map(([kind, count]) => `${count} ${kind}`)
  const lines = [
    `kills                 ${tally.killCount} (${kinds.join(', ') || 'none'})`,
    `source changed        ${tally.clockMoves} times`,
    `overtaken zombies     ${tally.zombies}`,
    `ranges compared       ${summary.compared}`,
    `looks of a reader     ${tally.looks}`,
    ...rules.map((rule) => `${rule.padEnd(21)} ${tally.count(rule)}`),
    `ended by itself       ${tally.crashes.length}`,
    '',
  ]
  const shown = tally.violations
    .slice(0, mostShown)
    .map(
      ({ when, rule, stream, range, detail }) => `${when}: ${rule}: ${stream} ${range}: ${detail}`,
    )
  return [...lines, ...shown, ...tally.crashes.slice(0, mostShown), ''].join('\n')
}
