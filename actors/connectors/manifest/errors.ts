import { type Category, type Failure, failure } from '../../../schema/error.ts'
import type { ErrorRule } from '../../../schema/manifest/error-rule.ts'
import { compileExpression, type Evaluate } from '../../../schema/manifest/expression/compiler.ts'
import { compileTemplate } from '../../../schema/manifest/expression/template.ts'
import { truthy } from '../../../schema/manifest/expression/value.ts'
import type { HttpResponse } from '../../http/http.ts'
import { excerptOf, urlForPeople } from '../../http/mask.ts'
import { type AnswerScope, namesAt } from './scope.ts'

export type Action = 'accept' | ErrorRule['then']

/** What an answer means and, unless it is accepted, the failure it stands for when nothing more can be done. */
export interface Verdict {
  action: Action
  failure: Failure
}

export interface Answer {
  method: string
  response: HttpResponse
  /** scope of the rules; `response` in it is null when the body could not be decoded */
  scope: AnswerScope
  secrets: readonly string[]
}

export interface ErrorJudge {
  /** whether rules look inside answers that came with status 200 */
  looksInside: boolean
  judge(answer: Answer): Verdict
}

interface CompiledRule {
  rule: ErrorRule
  matches(answer: Answer): boolean
  message: Evaluate | null
}

/** The stream's rules, in order, before the built-in table. */
export function makeErrorJudge(rules: readonly ErrorRule[]): ErrorJudge {
  const compiled = rules.map(compileRule)
  return {
    looksInside: rules.some(({ when }) => when.if !== undefined || when.text !== undefined),
    judge(answer) {
      const found = compiled.find((rule) => rule.matches(answer))
      if (!found) return builtIn(answer)
      const { rule } = found
      const usual = failureOf(answer, rule.category ?? categoryOf(rule.then, answer))
      const message = found.message ? textOr(found.message, answer.scope, usual.message) : null
      return {
        action: rule.then,
        failure: message === null ? usual : { ...usual, message: message.slice(0, 500) },
      }
    },
  }
}

function compileRule(rule: ErrorRule): CompiledRule {
  const { when } = rule
  const names = namesAt('answer')
  const test = when.if === undefined ? null : compileExpression(when.if, names)
  const text = when.text === undefined ? null : Buffer.from(when.text)
  return {
    rule,
    message: rule.message === undefined ? null : compileTemplate(rule.message, names),
    matches: ({ response, scope }) => {
      if (when.status && !when.status.some((status) => hasStatus(response.status, status)))
        return false
      if (
        text &&
        !Buffer.from(
          response.body.buffer,
          response.body.byteOffset,
          response.body.byteLength,
        ).includes(text)
      )
        return false
      return test ? holds(test, scope) : true
    },
  }
}

const hasStatus = (status: number, wanted: number | string): boolean =>
  typeof wanted === 'number' ? status === wanted : String(status)[0] === wanted[0]

/** A rule that reads what this answer does not have (an error page, another shape) does not match it. */
function holds(test: Evaluate, scope: AnswerScope): boolean {
  try {
    return truthy(test(scope))
  } catch {
    return false
  }
}

function textOr(message: Evaluate, scope: AnswerScope, fallback: string): string {
  try {
    const text = message(scope)
    return typeof text === 'string' && text !== '' ? text : fallback
  } catch {
    return fallback
  }
}

const retried = new Set([408, 425])

function builtIn(answer: Answer): Verdict {
  const { status, headers } = answer.response
  const verdict = (action: Action, category: Category): Verdict => ({
    action,
    failure: failureOf(answer, category),
  })
  // Nearly every answer: what is in it is not looked through for words that nobody will read.
  if (status >= 200 && status < 300) return { action: 'accept', failure: accepted }
  if (status === 429) return verdict('rate_limit', 'rate_limit')
  if (status >= 500 || retried.has(status)) return verdict('retry', 'network')
  if (status === 401) return verdict('reauth', 'auth')
  if (status === 403) {
    // Several APIs say 403 where others say 429; only these headers tell them apart.
    const isLimit = headers['retry-after'] !== undefined || headers['x-ratelimit-remaining'] === '0'
    return isLimit ? verdict('rate_limit', 'rate_limit') : verdict('fail', 'auth')
  }
  return verdict('fail', 'unknown')
}

const accepted = failure('unknown', 'http.accepted', 'the answer was accepted')

/** The category of a rule that names none. */
function categoryOf(action: Action, { response }: Answer): Category {
  if (action === 'rate_limit') return 'rate_limit'
  if (action === 'reauth' || response.status === 401 || response.status === 403) return 'auth'
  if (action === 'retry') return 'network'
  return 'unknown'
}

const remedies: Partial<Record<number, string>> = {
  401: 'check the credentials in the source; they may be wrong, expired or revoked',
  403: 'the account may not read this; check the permissions of the key or the plan',
  404: "check the source's config and the stream's path; the resource may not exist in this account",
  429: 'the API limits requests; it is asked again when it allows',
}

function failureOf({ method, response, secrets }: Answer, category: Category): Failure {
  const { status, body, url } = response
  const excerpt = excerptOf(body, secrets)
  const said = excerpt === '' ? '' : `: ${excerpt}`
  const code = `http.status_${status}`
  const remedy = remedies[status]
  return failure(category, code, `${method} ${urlForPeople(url)} answered ${status}${said}`, {
    ...(remedy === undefined ? {} : { remedy }),
  })
}
