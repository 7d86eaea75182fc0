import { writeSync } from 'node:fs'

/** Writes every byte to an open descriptor; a single write may stop short. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  let done = 0
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done)
}
