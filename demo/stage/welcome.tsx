/** What to do first. It is there without a broker, too: the page says what it would be. */
import { useContext } from 'preact/hooks'
import { PartsContext } from '../app/parts.js'

export function Welcome() {
  const parts = useContext(PartsContext)
  return (
    <section class="welcome" aria-labelledby="welcome-title">
      <h2 id="welcome-title">There is no server. Open a tab, and it shares the work.</h2>
      <ol class="steps">
        <li>
          <button type="button" onClick={() => parts?.actions.openTabs(1)}>
            Open another tab
          </button>
          <span>twice, side by side.</span>
        </li>
        <li>
          <button type="button" class="primary" onClick={() => void parts?.actions.sendSample()}>
            Load the sample
          </button>
          <span>10,000 bird strikes, or drop a file.</span>
        </li>
        <li>Close a tab while they work. The others take over at once.</li>
        <li>Reload everything. Nothing is lost or done twice: watch the checker.</li>
      </ol>
    </section>
  )
}
