/** Placeholder until the manifest language lands in this folder. */
export interface Manifest {
  id: string
}
