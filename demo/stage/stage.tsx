/** The stage: everything that is there, and the buttons that do something to it. */
import { ExchangePanel } from '../exchange/exchange-panel.js'
import { QueuePanel } from '../queue/queue-panel.js'
import { FilePanel } from '../sending/file-panel.js'
import { ProduceForm } from '../sending/produce-form.js'
import { BrokerPanel } from './broker-panel.js'
import { Explain } from './explain.js'
import { LogsPanel } from './logs-panel.js'
import { TabsPanel } from './tabs-panel.js'
import { ThisTabPanel } from './this-tab-panel.js'

export function Stage() {
  return (
    <div class="stage">
      <div class="stage-main">
        <TabsPanel />
        <LogsPanel />
        <QueuePanel />
        <ExchangePanel />
      </div>
      <div class="stage-side">
        <ThisTabPanel />
        <BrokerPanel />
        <FilePanel />
        <ProduceForm />
      </div>
      <Explain />
    </div>
  )
}
