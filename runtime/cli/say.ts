/** Talk goes to stderr, so that stdout stays data. In a file of its own: every start loads it, what prints tables not. */
export const say = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
