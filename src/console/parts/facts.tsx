/** Small things that views share: named values, a frame for what is not there, a way back. */
import type { ComponentChildren } from 'preact'

export type Fact = readonly [name: string, value: ComponentChildren]

export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <div class="empty">{children}</div>
}

export interface BackProps {
  readonly to: string
  readonly onClick: () => void
}

export function Back({ to, onClick }: BackProps) {
  return (
    <div>
      <button type="button" class="link" onClick={onClick}>
        ← {to}
      </button>
    </div>
  )
}

export interface TagProps {
  readonly kind?: 'ok' | 'warn' | 'bad'
  readonly children: ComponentChildren
}

export function Tag({ kind, children }: TagProps) {
  return <span class={`tag ${kind ?? ''}`}>{children}</span>
}
