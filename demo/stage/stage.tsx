/** The stage: everything that is there, and the buttons that do something to it. */
import { ChartsPanel } from '../charts/charts-panel.js'
import { GroupPanel } from '../controls/group-panel.js'
import { SendPanel } from '../controls/send-panel.js'
import { TroublePanel } from '../controls/trouble-panel.js'
import { ExchangePanel } from '../exchange/exchange-panel.js'
import { LogsPanel } from '../logs/logs-panel.js'
import { OutboxPanel } from '../outbox/outbox-panel.js'
import { QueuePanel } from '../queue/queue-panel.js'
import { ProduceForm } from '../sending/produce-form.js'
import { TabsPanel } from '../tabs/tabs-panel.js'
import { TimelinePanel } from '../timeline/timeline-panel.js'
import { BrokerPanel } from './broker-panel.js'
import { Explain } from './explain.js'
import { ThisTabPanel } from './this-tab-panel.js'

export function Stage() {
  return (
    <div class="stage">
      <div class="stage-main">
        <TabsPanel />
        <LogsPanel />
        <ChartsPanel />
        <div class="pair">
          <TimelinePanel />
          <BrokerPanel />
        </div>
        <div class="pair">
          <QueuePanel />
          <OutboxPanel />
        </div>
        <div class="pair">
          <ExchangePanel />
          <ProduceForm />
        </div>
      </div>
      <div class="stage-side">
        <SendPanel />
        <TroublePanel />
        <GroupPanel />
        <ThisTabPanel />
      </div>
      <Explain />
    </div>
  )
}
