import './style/tokens.css'
import './style/ui.css'
import './style/form.css'
import './style/shell.css'
import './style/pages.css'
import './style/source.css'
import './style/calendar.css'
import './style/motion.css'
import { render } from 'solid-js/web'
import { App } from './app.tsx'

render(() => <App />, document.getElementById('root') as HTMLElement)
