/** Names and values side by side. */
import type { ComponentChildren } from 'preact'

export function Facts({ children }: { children: ComponentChildren }) {
  return <dl class="facts">{children}</dl>
}

export interface FactProps {
  readonly name: string
  readonly id?: string
  readonly title?: string | undefined
  readonly state?: string
  readonly children: ComponentChildren
}

export function Fact({ name, id, title, state, children }: FactProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd id={id} title={title} data-state={state}>
        {children}
      </dd>
    </div>
  )
}
