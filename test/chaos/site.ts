/**
 * The site that the tabs are of: the page and the worker, built once as an app's deployment is, and
 * the addresses under which tabs ask what to do and tell what they did.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, preview, type InlineConfig } from 'vite'
import type { TabOrders } from './page/tab.js'
import type { Told } from './page/tab-recorder.js'
import type { WorkerTold } from './page/worker.js'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
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
  const outDir = mkdtempSync(join(tmpdir(), 'tabmq-chaos-site-'))
  const config: InlineConfig = {
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      minify: false,
      rolldownOptions: { input: join(ROOT, PAGE) },
    },
  }
  await build(config)
  const server = await preview({
    ...config,
    preview: { port: PORT, strictPort: false },
    plugins: [
      {
        name: 'chaos',
        configurePreviewServer({ middlewares }) {
          middlewares.use('/chaos', (request, response) => {
            void answer(request, response, listener)
          })
        },
      },
    ],
  })
  const address = server.resolvedUrls?.local[0]
  if (address === undefined) throw new Error('the site has no address')
  return {
    urlOf: ({ tab, slot }) => `${address}${PAGE}?tab=${tab}&slot=${slot}`,
    emptyUrl: `${address}chaos/empty`,
    async close() {
      if ('closeAllConnections' in server.httpServer) server.httpServer.closeAllConnections()
      await server.close()
      rmSync(outDir, { recursive: true, force: true })
    },
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
