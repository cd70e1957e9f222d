/**
 * The site that the tabs are of: the page and the worker, built once as an app's deployment is, and
 * the addresses under which tabs ask what to do and tell what they did.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { openBuiltSite } from '../built-site.js'
import type { TabOrders } from './page/tab.js'
import type { Told } from './page/tab-recorder.js'
import type { WorkerTold } from './page/worker.js'

const PAGE = 'test/chaos/page/index.html'
/** Another one lets two runs go on side by side; all of one run must be of one origin. */
const PORT = Number(process.env['TABMQ_TEST_PORT'] ?? 5198)

export interface SiteListener {
  /** A page has loaded, of the browser's tab `tab`. */
  orders(asked: { readonly tab: number; readonly slot: number }): TabOrders
  told(told: Told): void
  workerTold(told: WorkerTold): void
}

export interface Site {
  /** The address of a page that is to be the tab `tab`. */
  urlOf(asked: { readonly tab: number; readonly slot: number }): string
  /** A page of the same site without the library. */
  readonly emptyUrl: string
  close(): Promise<void>
}

export async function openSite(listener: SiteListener): Promise<Site> {
  const { origin, close } = await openBuiltSite({
    inputs: [PAGE],
    port: PORT,
    minify: false,
    configureServer({ middlewares }) {
      middlewares.use('/chaos', (request, response) => {
        void answer(request, response, listener)
      })
    },
  })
  return {
    urlOf: ({ tab, slot }) => `${origin}/${PAGE}?tab=${tab}&slot=${slot}`,
    emptyUrl: `${origin}/chaos/empty`,
    close,
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  listener: SiteListener,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://chaos')
  const body = await bodyOf(request)
  switch (pathname) {
    case '/orders': {
      const tab = Number(searchParams.get('tab'))
      const slot = Number(searchParams.get('slot'))
      response.setHeader('content-type', 'application/json')
      response.setHeader('cache-control', 'no-store')
      response.end(JSON.stringify(listener.orders({ tab, slot })))
      return
    }
    case '/told':
      if (body !== undefined) listener.told(JSON.parse(body) as Told)
      break
    case '/worker':
      if (body !== undefined) listener.workerTold(JSON.parse(body) as WorkerTold)
      break
    case '/empty':
      response.setHeader('content-type', 'text/html')
      break
    default:
      response.statusCode = 404
  }
  response.end()
}

/** Undefined when whoever asks is gone in the middle of it. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  try {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    return request.complete ? Buffer.concat(chunks).toString() : undefined
  } catch {
    return undefined
  }
}
