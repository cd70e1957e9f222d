/** What can go wrong with tabs, handlers, the broker and the network, to be tried out. */
import { useRef } from 'preact/hooks'
import { useParts } from '../app/parts.js'
import { useCell, useSelected } from '../app/use-cell.js'
import { ActionButton } from '../shell/action-button.js'
import { Panel } from '../shell/panel.js'
import { HANG_MS, SLOW_MS } from '../worker/tab-worker.js'

export function TroublePanel() {
  const { demo, actions } = useParts()
  const { worker, outbox } = demo
  const status = useSelected(demo.shown, (shown) => shown.worker)
  const line = useCell(outbox.line.cell)
  const isCut = line === 'cut'
  return (
    <Panel title="Make trouble" class="trouble-panel">
      <div class="trouble">
        <button
          type="button"
          disabled={status.hangsUntilMs !== undefined}
          aria-pressed={status.hangsNext}
          onClick={() => worker.setHangNext(!status.hangsNext)}
          title="The next message’s handler does not return for so long. The group goes on without this tab."
        >
          Hang for {HANG_MS / 1_000} s
        </button>
        <button
          type="button"
          aria-pressed={status.isSlow}
          onClick={() => worker.setSlow(!status.isSlow)}
          title={`${SLOW_MS} ms more for each message, in this tab only.`}
        >
          Slow consumer
        </button>
        <button
          type="button"
          aria-pressed={status.skipsNext}
          onClick={() => worker.setSkipNext(!status.skipsNext)}
          title="As a broken handler would. The checker finds it, and turns red."
        >
          {status.skipsNext ? 'Skipping the next one' : 'Skip one message'}
        </button>
        <ActionButton
          doing="send poison"
          onClick={() => void actions.sendPoison()}
          title="A message on which every handler throws. Its partition waits."
        >
          Poison message
        </ActionButton>
        <ActionButton
          doing="kill the broker"
          class="danger"
          onClick={() => void actions.killBroker()}
          title="Its worker ends at once. The next incarnation goes on from what is on the disk."
        >
          Kill the broker
        </ActionButton>
        <button
          type="button"
          aria-pressed={isCut}
          onClick={() => outbox.line.set(isCut ? 'connected' : 'cut')}
          title="Of the outbox below, in all tabs. The broker needs no network."
        >
          {isCut ? 'Go online' : 'Go offline'}
        </button>
        <FreezeHelp />
      </div>
      <PoisonPolicy />
    </Panel>
  )
}

/** Shown while a message holds up its partition in this tab, or in another that was told to go on. */
function PoisonPolicy() {
  const { demo } = useParts()
  const policy = useCell(demo.setAside.policy.cell)
  const tabs = useSelected(demo.shown, (shown) => shown.tabs)
  const isStuck = tabs.some(({ report }) => report?.trouble?.startsWith('Fails') === true)
  return (
    <div class="poison">
      <p class="hint">
        {isStuck
          ? 'A message holds up its partition: its handler fails again and again.'
          : 'What cannot be handled is ' +
            (policy === 'retry' ? 'tried again and again.' : 'put into rows.dead.')}
      </p>
      <button
        type="button"
        class={isStuck && policy === 'retry' ? 'primary' : ''}
        aria-pressed={policy === 'set aside'}
        onClick={() => demo.setAside.policy.set(policy === 'retry' ? 'set aside' : 'retry')}
      >
        Set it aside
      </button>
    </div>
  )
}

/** No page can freeze itself. */
function FreezeHelp() {
  const dialog = useRef<HTMLDialogElement>(null)
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        Freeze this tab…
      </button>
      <dialog ref={dialog} class="dialog" aria-labelledby="freeze-title">
        <h2 id="freeze-title">How to freeze a tab</h2>
        <p>
          A browser freezes tabs in the background to save power: their scripts stop. No page can do
          that to itself, but you can, in Chrome and Edge:
        </p>
        <ol class="numbered">
          <li>
            Open <code>chrome://discards</code> in a new tab. (Copy the address: pages may not link
            to it.)
          </li>
          <li>Find a tab of this page in the list that is not in front, not this one.</li>
          <li>
            In its row press <kbd>Freeze</kbd>, and look here: its card says <b>frozen</b>, its
            session runs out after ten seconds, and its partitions move.
          </li>
          <li>Go to that tab: it thaws, and joins again.</li>
        </ol>
        <p>
          A tab may refuse to be frozen, as those with work in hand do; then Chrome says so in that
          list. <kbd>Urgent discard</kbd> there ends it instead, as when memory is short.
        </p>
        <form method="dialog" class="buttons">
          <button type="submit" class="primary">
            Close
          </button>
        </form>
      </dialog>
    </>
  )
}
