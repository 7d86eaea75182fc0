import { A, useLocation } from '@solidjs/router'
import { createEffect, For, type JSX, on, Show } from 'solid-js'
import { api } from './api.ts'
import { feedShown, schedulerShown } from './badges.ts'
import { Bell } from './notifications/bell.tsx'
import { problemOf } from './problem.ts'
import { feed, now, session, world } from './store/store.ts'
import { setTheme, type Theme, theme, themes } from './theme.ts'
import { Button } from './ui/button.tsx'
import { toastProblem } from './ui/toast.ts'

const pages = [
  { href: '/', label: 'Overview', end: true },
  { href: '/runs', label: 'Runs' },
  { href: '/connections', label: 'Connections' },
  { href: '/sources', label: 'Sources' },
  { href: '/destinations', label: 'Destinations' },
  { href: '/settings', label: 'Settings' },
]

/** Header, navigation and banners around every page. */
export function Shell(props: { children: JSX.Element }) {
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Banners />
      <header class="top">
        <div class="top-inner">
          <A href="/" class="mark" aria-label="Derrick, overview">
            <Mark />
            <span>Derrick</span>
          </A>
          <span class="workspace" title="Workspace">
            {session()?.workspace.name}
          </span>
          <Tabs />
          <div class="top-tools">
            <SchedulerBadge />
            <LiveBadge />
            <Bell />
            <ThemeChoice />
            <Show when={session()?.auth === 'session'}>
              <SignOut />
            </Show>
          </div>
        </div>
      </header>
      <main class="page" id="main">
        {props.children}
      </main>
    </>
  )
}

function Tabs() {
  const location = useLocation()
  let nav!: HTMLElement
  // On a narrow screen the tabs scroll: the one that is shown must be in sight.
  createEffect(
    on(
      () => location.pathname,
      (path) => {
        const page = pages.find((found) => found.href === path)
        document.title = page ? `${page.label} · Derrick` : 'Derrick'
        queueMicrotask(() =>
          nav.querySelector('.on')?.scrollIntoView({ inline: 'center', block: 'nearest' }),
        )
      },
    ),
  )
  return (
    <nav class="tabs" aria-label="Pages" ref={nav}>
      <For each={pages}>
        {(page) => (
          <A href={page.href} end={page.end ?? false} activeClass="on" inactiveClass="">
            {page.label}
          </A>
        )}
      </For>
    </nav>
  )
}

function Banners() {
  return (
    <>
      <Show when={session()?.demo}>
        <p class="banner">
          The demo: a built-in API syncs into a folder of this machine.
          <Show when={session()?.auth === 'disabled'}>
            {' '}
            <strong>Authentication is off.</strong>
          </Show>
        </p>
      </Show>
      <Show when={session()?.auth === 'disabled' && !session()?.demo}>
        <p class="banner warn">
          <strong>Authentication is off.</strong> Everybody who can reach this address can change
          everything.
        </p>
      </Show>
    </>
  )
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
      <path d="M16 4 7 28M16 4l9 24M10.5 20h11M13 13h6M9 26l11.5-6M23 26l-11.5-6" />
    </svg>
  )
}

function SchedulerBadge() {
  const shown = () => schedulerShown(world.scheduler, now())
  return (
    <A href="/runs?status=active" class="tool" title={shown().title} aria-label={shown().title}>
      <span class="slots" aria-hidden="true">
        <For each={shown().slots}>{(used) => <i classList={{ used }} />}</For>
      </span>
      <span class="num">{shown().text}</span>
    </A>
  )
}

function LiveBadge() {
  const shown = () => feedShown(feed(), now())
  return (
    <span class={`tool live live-${shown().tone}`} role="status" title={shown().title}>
      <span class="dot" aria-hidden="true" />
      {shown().text}
    </span>
  )
}

const themeGlyphs: Record<Theme, string> = { system: '◐', light: '☀', dark: '☾' }

function ThemeChoice() {
  const next = () => themes[(themes.indexOf(theme()) + 1) % themes.length] as Theme
  return (
    <button
      type="button"
      class="tool tool-button theme-choice"
      onClick={() => setTheme(next())}
      title={`Theme: ${theme()}. Press for ${next()}.`}
      aria-label={`Theme: ${theme()}. Press for ${next()}.`}
    >
      <span class="glyph" aria-hidden="true">
        {themeGlyphs[theme()]}
      </span>
    </button>
  )
}

function SignOut() {
  const leave = async () => {
    try {
      await api.remove('/session')
      location.assign('/login')
    } catch (error) {
      toastProblem('You are still signed in', problemOf(error))
    }
  }
  return (
    <Button kind="ghost" small onClick={leave}>
      Sign out
    </Button>
  )
}
