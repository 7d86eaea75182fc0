import { A } from '@solidjs/router'
import { type JSX, Show, splitProps } from 'solid-js'

interface Look {
  kind?: 'primary' | 'plain' | 'danger' | 'ghost'
  small?: boolean
}

const classes = (look: Look): string =>
  ['button', look.kind ?? 'plain', look.small ? 'button-small' : ''].join(' ').trim()

type ButtonProps = Look &
  JSX.ButtonHTMLAttributes<HTMLButtonElement> & {
    busy?: boolean | undefined
    /** why it can't be pressed; shown on hover and read out */
    off?: string | undefined
  }

export function Button(props: ButtonProps) {
  const [own, rest] = splitProps(props, ['kind', 'small', 'busy', 'off', 'children', 'disabled'])
  return (
    <button
      type="button"
      {...rest}
      class={classes(own)}
      disabled={own.disabled || own.busy || own.off !== undefined}
      title={own.off ?? rest.title}
      aria-busy={own.busy}
    >
      <Show when={own.busy}>
        <span class="spinner" aria-hidden="true" />
      </Show>
      {own.children}
    </button>
  )
}

/** A link that looks like a button: for what opens something with an address of its own. */
export function LinkButton(
  props: Look & { href: string; off?: string | undefined; children: JSX.Element },
) {
  return (
    <Show
      when={props.off === undefined}
      fallback={
        <button type="button" class={classes(props)} disabled title={props.off}>
          {props.children}
        </button>
      }
    >
      <A href={props.href} class={classes(props)}>
        {props.children}
      </A>
    </Show>
  )
}
