import { type State, stateGlyphs } from '../state.ts'

/** Glyph, colour and words of a state: never colour alone. */
export function Status(props: { state: State; label: string; title?: string }) {
  return (
    <span class={`status status-${props.state}`} title={props.title}>
      <span class="glyph" aria-hidden="true">
        {stateGlyphs[props.state]}
      </span>
      {props.label}
    </span>
  )
}
