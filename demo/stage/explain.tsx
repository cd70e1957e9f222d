import { Panel } from '../shell/panel.js'

export function Explain() {
  return (
    <Panel title="What am I seeing?" class="explain">
      <div class="columns">
        <p>
          There is no server. The broker runs in a SharedWorker, a part of your browser that all
          tabs of this page share. It keeps messages in IndexedDB, so they are still there after a
          reload.
        </p>
        <p>
          A <dfn>topic</dfn> is split into <dfn>partitions</dfn>. A partition is a log: messages are
          only added at its end, and each has a number, its <dfn>offset</dfn>. Messages of one key
          go to one partition.
        </p>
        <p>
          The tabs form a <dfn>group</dfn>. Each partition belongs to one tab at a time, which
          handles its messages in order and then <dfn>commits</dfn> how far it got. When a tab
          closes, the broker gives its partitions to the others, and they go on from the last
          commit. <dfn>Lag</dfn> is what is still to do.
        </p>
        <p>
          The checker does not ask the broker. Each tab writes down in a database of its own what it
          sent and what it handled, and this page adds it up. Press “Skip one message” to see it
          find a fault.
        </p>
        <p>
          A tab that closes or reloads tells the broker how far it got. A tab that crashes cannot.
          Its last few messages then come again, to another tab: delivery is
          <dfn> at least once</dfn>. The checker counts them and says why.
        </p>
        <p>
          In the developer tools, <code>tabmq</code> is this page’s own client. Try{' '}
          <code>await tabmq.admin().listTopics()</code>.
        </p>
      </div>
    </Panel>
  )
}
