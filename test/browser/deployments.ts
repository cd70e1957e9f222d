/**
 * Deployments of an app, as a user's browser meets them: builds of the client page by Vite, each with
 * workers of its own, served by one server under paths of their own. A deployment with another protocol
 * is built from the same sources with another version number.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from '@playwright/test'
import { build, type Plugin } from 'vite'

const root = fileURLToPath(new URL('../..', import.meta.url))
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' }

export class Deployments {
  readonly #directory = mkdtempSync(join(tmpdir(), 'tabmq-deployments-'))
  readonly #server: Server
  /** What is served under a path: the name of a build. */
  readonly #served = new Map<string, string>()

  constructor() {
    this.#server = createServer((request, response) => {
      const [, path = '', ...rest] = new URL(request.url ?? '/', 'http://localhost').pathname.split(
        '/',
      )
      try {
        const file = normalize(join(this.#served.get(path) ?? '', ...rest))
        const body = readFileSync(join(this.#directory, file))
        response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream')
        // As a script under a fixed name has to be served: asked for again each time.
        response.setHeader('cache-control', 'no-cache')
        response.end(body)
      } catch {
        response.statusCode = 404
        response.end()
      }
    })
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, resolve)
    })
  }

  /** Builds for a path. The scripts of a build have names of their own in it, or fixed ones. */
  async build(
    name: string,
    options: { path: string; protocolVersion: number; fixedNames?: boolean },
  ): Promise<void> {
    const { path, protocolVersion, fixedNames = false } = options
    const plugins = () => [withProtocol(protocolVersion)]
    const output = fixedNames ? { entryFileNames: 'assets/[name].js' } : {}
    await build({
      root,
      base: `/${path}/`,
      configFile: false,
      logLevel: 'error',
      plugins: plugins(),
      worker: { format: 'es', plugins, rolldownOptions: { output } },
      build: {
        outDir: join(this.#directory, name),
        minify: false,
        rolldownOptions: { input: join(root, 'test/browser/pages/client.html') },
      },
    })
  }

  /** From now on, who loads what is under the path gets this build. */
  serve(path: string, name: string): void {
    this.#served.set(path, name)
  }

  async openTab(context: BrowserContext, path: string, broker: string): Promise<Page> {
    const page = await context.newPage()
    const { port } = this.#server.address() as AddressInfo
    await page.goto(
      `http://localhost:${port}/${path}/test/browser/pages/client.html?broker=${broker}`,
    )
    await page.waitForFunction(() => 'tab' in globalThis)
    return page
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => {
      this.#server.close(resolve)
    })
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

function withProtocol(protocolVersion: number): Plugin {
  return {
    name: 'another-protocol',
    transform: (_, id) =>
      id.endsWith('/src/protocol/protocol-version.ts')
        ? `export const PROTOCOL_VERSION = ${protocolVersion}`
        : undefined,
  }
}
