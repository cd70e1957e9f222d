/** What to do first. It is there without a broker, too: the page says what it would be. */
import { useContext } from 'preact/hooks'
import { PartsContext } from '../app/parts.js'
import { SAMPLE } from '../datasets/data-sets.js'
import { ActionButton } from '../shell/action-button.js'

export function Welcome() {
  const parts = useContext(PartsContext)
  return (
    <section class="welcome" aria-labelledby="welcome-title">
      <h2 id="welcome-title">There is no server. Open a tab, and it shares the work.</h2>
      <ol class="steps">
        <li>
          <ActionButton doing="open tabs: 1" onClick={() => void parts?.actions.openTabs(1)}>
            Open another tab
          </ActionButton>
          <span>twice, side by side.</span>
        </li>
        <li>
          <ActionButton
            doing={`send the data set ${SAMPLE.id}`}
            class="primary"
            onClick={() => void parts?.actions.sendSample()}
          >
            Load the sample
          </ActionButton>
          <span>10,000 bird strikes, or drop a file.</span>
        </li>
        <li>Close a tab while they work. The others take over at once.</li>
        <li>Reload everything. Nothing is lost or done twice: watch the checker.</li>
      </ol>
    </section>
  )
}
