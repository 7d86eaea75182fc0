import type { JSX } from 'solid-js'

/** A small label for facts, not for states. */
export function Badge(props: { children: JSX.Element; title?: string; tone?: 'warn' | 'accent' }) {
  return (
    <span class={`badge ${props.tone ?? ''}`} title={props.title}>
      {props.children}
    </span>
  )
}
