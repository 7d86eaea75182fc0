import { type Logger, pino } from 'pino'
import type { Config } from './config.ts'

export type { Logger } from 'pino'

/** Paths that never reach a log line, whatever is logged. */
const redacted = [
  'config',
  '*.config',
  'job',
  '*.authorization',
  '*.cookie',
  '*.password',
  '*.token',
  '*.api_key',
]

/** Logs to stderr: lines for people, or JSON lines. No transport threads: they would need files of their own. */
export function makeLog(config: Pick<Config, 'logLevel' | 'logFormat'>): Logger {
  const stream = {
    write: config.logFormat === 'json' ? writeLine : (line: string) => writeLine(forPeople(line)),
  }
  return pino(
    { level: config.logLevel, base: null, redact: { paths: redacted, censor: '[hidden]' } },
    stream,
  )
}

const writeLine = (line: string): void => {
  process.stderr.write(line)
}

const names: Record<number, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** As `\\p{Cc}`, for which V8 would look through all of Unicode at each start. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const controls = /[\u0000-\u001f\u007f-\u009f]/g

/** `12:03:44.120 warn  message key=value`; control characters of foreign texts are shown, not obeyed. */
function forPeople(line: string): string {
  const { level, time, msg, ...rest } = JSON.parse(line) as Record<string, unknown>
  const clock = new Date(time as number).toISOString().slice(11, 23)
  const more = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const text = `${clock} ${(names[level as number] ?? '').padEnd(5)} ${String(msg ?? '')}${more.join('')}`
  return `${text.replaceAll(controls, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}\n`
}
