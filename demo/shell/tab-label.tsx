/** A tab's name in its colour: the same wherever it is shown, and never the colour alone. */
import type { TabName } from '../cluster/cluster-view.js'
import { tabMarks } from './tab-marks.js'

export function TabLabel({ name }: { name: TabName | undefined }) {
  return (
    <span class="tab-label" {...tabMarks(name)}>
      {name?.text ?? 'nobody'}
    </span>
  )
}
