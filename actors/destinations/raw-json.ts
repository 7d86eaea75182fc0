interface ExactJson {
  isRawJSON(value: unknown): boolean
  rawJSON(text: string): object
}
/** The compiler's library does not know these two members yet; Node has them. */
const exact = JSON as unknown as ExactJson

/** Whether a value is a number (or other scalar) kept as its source text because a double would lose digits. */
export const isExact = (value: unknown): boolean => exact.isRawJSON(value)

/** A scalar that JSON.stringify writes as this very text. */
export const exactJson = (text: string): object => exact.rawJSON(text)
