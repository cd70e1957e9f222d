import { useContext } from 'preact/hooks'
import { PartsContext } from '../app/parts.js'
import { formatRoute, type Router } from '../app/route.js'
import { THEMES, type Theme } from '../app/theme.js'
import { useCell } from '../app/use-cell.js'
import { tabName } from '../cluster/cluster-view.js'
import { clientIdOf } from '../tab-identity.js'
import { TabLabel } from './tab-label.js'

const FACES = [
  { face: 'stage', text: 'Stage', to: { face: 'stage' } },
  { face: 'learn', text: 'Learn', to: { face: 'learn', scenario: undefined, step: 1 } },
  { face: 'console', text: 'Console', to: { face: 'console', view: undefined } },
] as const

export function PageHeader({ router, theme }: { router: Router; theme: Theme }) {
  const route = useCell(router.route)
  const parts = useContext(PartsContext)
  return (
    <header class="page-header">
      <h1 class="brand">
        <Mark />
        tabmq
      </h1>
      <nav class="faces" aria-label="Faces of the page">
        {FACES.map(({ face, text, to }) => (
          <a
            key={face}
            href={formatRoute(to)}
            aria-current={route.face === face ? 'page' : undefined}
          >
            {text}
          </a>
        ))}
      </nav>
      <p class="slogan">
        A message broker that lives in your browser. Its consumers are your tabs.
      </p>
      {parts !== undefined && (
        <p class="identity">
          This is <TabLabel name={tabName(clientIdOf(parts.demo.identity.number))} />
        </p>
      )}
      <ThemeSwitch theme={theme} />
    </header>
  )
}

function ThemeSwitch({ theme }: { theme: Theme }) {
  const chosen = useCell(theme.cell)
  return (
    <label class="theme">
      <span class="visually-hidden">Theme</span>
      <select
        value={chosen}
        onChange={({ currentTarget }) => {
          const wanted = THEMES.find((one) => one === currentTarget.value)
          if (wanted !== undefined) theme.set(wanted)
        }}
      >
        {THEMES.map((one) => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  )
}

/** Three logs. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <g>
        <path d="M7 10h5M14 16h3M7 16h3M7 22h11" />
        <path class="faint" d="M17 10h2M22 16h3M22 22h1" />
      </g>
    </svg>
  )
}
