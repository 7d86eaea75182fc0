/** Holds the place of what is being loaded. */
export function Loading(props: { what: string }) {
  return (
    <p class="loading muted" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {props.what}…
    </p>
  )
}
