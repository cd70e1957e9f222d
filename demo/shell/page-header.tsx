import { useContext } from 'preact/hooks'
import { PartsContext } from '../app/parts.js'
import { tabName } from '../cluster/cluster-view.js'
import { clientIdOf } from '../tab-identity.js'
import { TabLabel } from './tab-label.js'

export function PageHeader() {
  const parts = useContext(PartsContext)
  return (
    <header class="page-header">
      <h1 class="brand">
        <Mark />
        tabmq
      </h1>
      <p class="slogan">
        A message broker that lives in your browser. Its consumers are your tabs.
      </p>
      {parts !== undefined && (
        <p class="identity">
          This is <TabLabel name={tabName(clientIdOf(parts.demo.identity.number))} />
        </p>
      )}
    </header>
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
