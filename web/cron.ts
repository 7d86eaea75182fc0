/** A cron expression in words, for the usual ones; others are shown as they are. */

const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const two = (text: string): string => text.padStart(2, '0')
const isNumber = (text: string | undefined): text is string => /^\d{1,2}$/.test(text ?? '')

export function cronText(expression: string): string {
  const [minute, hour, dayOfMonth, month, weekday, more] = expression.trim().split(/\s+/)
  if (more !== undefined || month !== '*') return expression
  const every = /^\*\/(\d{1,2})$/
  if (dayOfMonth === '*' && weekday === '*') {
    if (hour === '*' && minute === '*') return 'every minute'
    if (hour === '*' && every.test(minute ?? ''))
      return `every ${every.exec(minute ?? '')?.[1]} min`
    if (hour === '*' && isNumber(minute)) return `hourly at :${two(minute)}`
    const hours = every.exec(hour ?? '')
    if (hours && isNumber(minute)) return `every ${hours[1]} h at :${two(minute)}`
    if (isNumber(hour) && isNumber(minute)) return `daily at ${two(hour)}:${two(minute)}`
  }
  if (dayOfMonth === '*' && /^[0-6]$/.test(weekday ?? '') && isNumber(hour) && isNumber(minute)) {
    return `${weekdays[Number(weekday)]}s at ${two(hour)}:${two(minute)}`
  }
  return expression
}
