/** Characters of a time to the millisecond. */
export const longestUtcTime = '2026-01-31T23:59:59.123Z'.length

/** The commonest form of a time, `2026-01-31T23:59:59[.123]Z`, digit by digit; undefined for any other, and for days that don't exist. */
export function utcTimeIn(text: Uint8Array, from: number, to: number): number | undefined {
  const ms = to - from === 20 ? 0 : fractionOf(text, from, to)
  if (ms < 0 || text[to - 1] !== letterZ) return undefined
  const punctuated =
    text[from + 4] === dash &&
    text[from + 7] === dash &&
    text[from + 10] === letterT &&
    text[from + 13] === colon &&
    text[from + 16] === colon
  if (!punctuated) return undefined
  const year = twoDigits(text, from) * 100 + twoDigits(text, from + 2)
  const month = twoDigits(text, from + 5)
  const day = twoDigits(text, from + 8)
  const hour = twoDigits(text, from + 11)
  const minute = twoDigits(text, from + 14)
  const second = twoDigits(text, from + 17)
  const exists = year >= 1000 && month >= 1 && month <= 12 && day >= 1 && hour >= 0 && hour <= 23
  if (day > 28 && !(day <= daysIn(year, month))) return undefined
  if (!exists || !(minute >= 0 && minute <= 59 && second >= 0 && second <= 59)) return undefined
  return dayStart(year, month, day) + ((hour * 60 + minute) * 60 + second) * 1000 + ms
}

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

function daysIn(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Records of a page are mostly of one day. */
let lastDay = 0
let lastDayStart = Number.NaN

function dayStart(year: number, month: number, day: number): number {
  const name = (year * 100 + month) * 100 + day
  if (name !== lastDay) {
    lastDay = name
    lastDayStart = Date.UTC(year, month - 1, day)
  }
  return lastDayStart
}

const [dash, colon, point, letterT, letterZ] = [0x2d, 0x3a, 0x2e, 0x54, 0x5a]

/** Two digits as a number; far below zero where there are none. */
function twoDigits(text: Uint8Array, at: number): number {
  const tens = (text[at] as number) - 48
  const ones = (text[at + 1] as number) - 48
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1_000_000
}

/** Milliseconds of `.123` before the Z; below zero for any other form. */
function fractionOf(text: Uint8Array, from: number, to: number): number {
  if (to - from !== longestUtcTime || text[from + 19] !== point) return -1
  const last = (text[from + 22] as number) - 48
  return last >= 0 && last <= 9 ? twoDigits(text, from + 20) * 10 + last : -1
}
