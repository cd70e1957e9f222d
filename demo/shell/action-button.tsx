/** A button whose action is done one at a time: while that is under way it can keep the focus, and does nothing. */
import type { ComponentProps } from 'preact'
import { useContext } from 'preact/hooks'
import { PartsContext } from '../app/parts.js'
import { UnderWay, type Doing } from '../app/under-way.js'
import { useSelected } from '../app/use-cell.js'

export interface ActionButtonProps extends Omit<ComponentProps<'button'>, 'aria-disabled'> {
  readonly doing: Doing
}

/** Before there is a demo. */
const nothing = new UnderWay()

export function ActionButton({ doing, ...others }: ActionButtonProps) {
  const { all } = useContext(PartsContext)?.demo.underWay ?? nothing
  const isUnderWay = useSelected(all, (doings) => doings.has(doing))
  return <button type="button" {...others} aria-disabled={isUnderWay} />
}
