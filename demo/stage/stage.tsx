/** The stage: everything that is there, and the buttons that do something to it. */
import { useMemo } from 'preact/hooks'
import { Cell } from '../app/cell.js'
import { useParts } from '../app/parts.js'
import { ChartsPanel } from '../charts/charts-panel.js'
import { GroupPanel } from '../controls/group-panel.js'
import { SendPanel } from '../controls/send-panel.js'
import { TroublePanel } from '../controls/trouble-panel.js'
import { ExchangePanel } from '../exchange/exchange-panel.js'
import { Lesson } from '../learn/lesson.js'
import type { Scenario } from '../learn/scenario.js'
import { LogsPanel } from '../logs/logs-panel.js'
import { TOPIC } from '../names.js'
import { OutboxPanel } from '../outbox/outbox-panel.js'
import { QueuePanel } from '../queue/queue-panel.js'
import { ProduceForm } from '../sending/produce-form.js'
import { TabsPanel } from '../tabs/tabs-panel.js'
import { TimelinePanel } from '../timeline/timeline-panel.js'
import { BrokerPanel } from './broker-panel.js'
import { Explain } from './explain.js'
import { ThisTabPanel } from './this-tab-panel.js'

export interface StageProps {
  /** The scenario that is played on it, if one is. */
  readonly lesson?: { readonly scenario: Scenario; readonly number: number }
}

export function Stage({ lesson }: StageProps) {
  const { demo } = useParts()
  const scenario = lesson?.scenario
  // A lesson speaks of the demo's own topic, whichever the reader has looked at before.
  const chosen = useMemo(
    () => (scenario === undefined ? demo.topicShown : new Cell<string>(TOPIC)),
    [demo, scenario],
  )
  return (
    <div class="stage" data-lesson={lesson === undefined ? undefined : ''}>
      {lesson !== undefined && <Lesson key={lesson.scenario.id} {...lesson} />}
      <div class="stage-main">
        <TabsPanel />
        <LogsPanel chosen={chosen} />
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
