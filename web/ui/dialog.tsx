import { type JSX, onCleanup, onMount } from 'solid-js'

interface PanelProps {
  title: string
  onClose: () => void
  children: JSX.Element
}

let names = 0

/** Both are the browser's own modal dialog: focus is kept inside, Escape closes, focus returns. */
function Panel(props: PanelProps & { kind: 'dialog' | 'drawer' }) {
  let element!: HTMLDialogElement
  const name = `panel-${names++}`
  onMount(() => element.showModal())
  onCleanup(() => element.close())
  return (
    <dialog
      ref={element}
      class={props.kind}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault()
        props.onClose()
      }}
      onPointerDown={(event) => {
        if (event.target === element) props.onClose()
      }}
    >
      <div class="panel">
        <header class="panel-head">
          {/* Focus begins at the title: a reader hears it first, and no button looks pressed. */}
          <h2 id={name} tabindex={-1} autofocus>
            {props.title}
          </h2>
          <button type="button" class="button ghost" aria-label="Close" onClick={props.onClose}>
            ✕
          </button>
        </header>
        <div class="panel-body">{props.children}</div>
      </div>
    </dialog>
  )
}

/** A question or a short form in the middle of the page. */
export const Dialog = (props: PanelProps) => <Panel {...props} kind="dialog" />
/** Details at the side; on a narrow screen it takes the whole width. */
export const Drawer = (props: PanelProps) => <Panel {...props} kind="drawer" />
