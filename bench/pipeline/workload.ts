/** What every contestant of a case reads: the same pages of the same shop, the same ranges in flight. */
export interface Workload {
  shop: { url: string; apiKey: string }
  pageSize: number
  /** epoch ms, half-open */
  ranges: { start: number; end: number }[]
  inFlight: number
}

/** What one contestant took for its work, its own start and end left out. */
export interface Figures {
  records: number
  ms: number
  /** user and system time of the whole process, all threads */
  cpuUs: number
  /** of the process's whole life */
  peakRssMb: number
  bytes?: number
  walBytes?: number
  /** of the database server, all of its processes */
  serverCpuUs?: number
}

/** First page of a range of events. The API's `until` still counts, in whole seconds. */
export function firstUrl({ shop, pageSize }: Workload, start: number, until: number): string {
  const query = `since=${start / 1000}&until=${until / 1000}&limit=${pageSize}`
  return `${shop.url}/v1/events?${query}`
}

/** Runs all ranges, so many at a time. */
export async function eachRange(
  { ranges, inFlight }: Workload,
  work: (range: { start: number; end: number }) => Promise<void>,
): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let range = ranges[next++]; range; range = ranges[next++]) await work(range)
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
}

/** Does the work in this process and prints its figures, for a program that is nothing but its work. */
export async function report(work: () => Promise<{ records: number; bytes?: number }>) {
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const done = await work()
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  const peakRssMb = process.resourceUsage().maxRSS / 1024
  const figures: Figures = { ...done, ms, cpuUs: user + system, peakRssMb }
  process.stdout.write(`${JSON.stringify(figures)}\n`)
}
