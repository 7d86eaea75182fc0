import { addChecksums } from '../../actors/destinations/row-hash.ts'
import type { Spool } from '../../actors/destinations/spool.ts'
import type { PageEncoder, RangeWriter, Row } from '../../actors/destinations/writer.ts'
import type { Receipt } from '../../schema/protocol.ts'

/** One attempt from records to the committed range, as the sync and the destination actor drive it together. */
export async function commitPages(
  { attempt, encoder, spool }: { attempt: RangeWriter; encoder: PageEncoder; spool: Spool },
  pages: Row[][],
  fetchedFrom: number,
): Promise<Receipt> {
  const report = { pages: 0, records: 0, checksum: 0, fetchedFrom }
  for (const records of pages) {
    const page = encoder.encode(records)
    report.pages += 1
    report.records += page.recordCount
    report.checksum = addChecksums(report.checksum, page.checksum)
    await attempt.writePage(page)
  }
  const receipt = await attempt.commit(report)
  await spool.drop()
  return receipt
}
