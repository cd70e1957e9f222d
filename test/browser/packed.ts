/**
 * The package as npm would hand it out, installed in an app of its own: what an app sees of it is `dist/`
 * and the package's `exports`.
 */
import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'vite'
import { ROOT } from '../built-site.js'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
}

export class PackedApp {
  readonly #root = mkdtempSync(join(tmpdir(), 'tabmq-app-'))
  readonly #stops: (() => void)[] = [() => rmSync(this.#root, { recursive: true, force: true })]

  /** @param files by their paths in the app, `index.html` among them */
  static async create(files: Readonly<Record<string, string>>): Promise<PackedApp> {
    const app = new PackedApp()
    for (const [path, text] of Object.entries(files)) writeFileSync(join(app.#root, path), text)
    await promisify(execFile)(process.execPath, [join(ROOT, 'scripts/build.mjs')])
    const modules = join(app.#root, 'node_modules')
    const { files: packed, dependencies } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    ) as { files: string[]; dependencies: Record<string, string> }
    for (const path of [...packed, 'package.json']) {
      cpSync(join(ROOT, path), join(modules, 'tabmq', path), { recursive: true })
    }
    for (const name of Object.keys(dependencies)) {
      const link = join(modules, name)
      mkdirSync(dirname(link), { recursive: true })
      symlinkSync(join(ROOT, 'node_modules', name), link)
    }
    return app
  }

  /** Builds the app with Vite, without any configuration, and serves what comes out. */
  async serveBuilt(headers: Readonly<Record<string, string>>): Promise<string> {
    await build({ root: this.#root, configFile: false, logLevel: 'error' })
    return this.#serve(join(this.#root, 'dist'), headers)
  }

  /** Serves the app's own files: there is no bundler. */
  serveSources(headers: Readonly<Record<string, string>>): Promise<string> {
    return this.#serve(this.#root, headers)
  }

  close(): void {
    for (const stop of this.#stops.reverse()) stop()
  }

  async #serve(folder: string, headers: Readonly<Record<string, string>>): Promise<string> {
    const server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost')
      const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname
      try {
        const body = readFileSync(join(folder, path))
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
        response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream')
        response.end(body)
      } catch {
        response.statusCode = 404
        response.end()
      }
    })
    await new Promise<void>((resolve) => {
      server.listen(0, resolve)
    })
    this.#stops.push(() => {
      server.closeAllConnections()
      server.close()
    })
    return `http://localhost:${(server.address() as AddressInfo).port}/`
  }
}
