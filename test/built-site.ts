/** Pages and their worker, built once as an app's deployment is, and served. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, preview, type InlineConfig, type PreviewServerHook } from 'vite'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))

export interface SiteOptions {
  /** Files from the root of the repository: pages, and scripts that are asked for by their names, with `.js`. */
  readonly inputs: readonly string[]
  /** Where it is to be served; the next that is free when that one is taken. */
  readonly port: number
  readonly minify: boolean
  readonly alias?: readonly { readonly find: RegExp; readonly replacement: string }[]
  readonly headers?: Readonly<Record<string, string>>
  /** Adds what is answered besides files. */
  readonly configureServer?: PreviewServerHook
}

export interface BuiltSite {
  /** Without a slash at its end. */
  readonly origin: string
  close(): Promise<void>
}

export async function openBuiltSite(options: SiteOptions): Promise<BuiltSite> {
  const { inputs, port, minify, alias = [], headers = {}, configureServer } = options
  const outDir = mkdtempSync(join(tmpdir(), 'tabmq-site-'))
  const config: InlineConfig = {
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: [...alias] },
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    worker: { format: 'es' },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      minify,
      rolldownOptions: {
        input: inputs.map((file) => join(ROOT, file)),
        output: {
          entryFileNames: ({ facadeModuleId }) =>
            facadeModuleId?.endsWith('.html') ? 'assets/[name]-[hash].js' : '[name].js',
        },
      },
    },
  }
  await build(config)
  const server = await openPreview({
    ...config,
    preview: { port, strictPort: false, headers: { ...headers } },
    plugins:
      configureServer === undefined
        ? []
        : [{ name: 'answers', configurePreviewServer: configureServer }],
  })
  return {
    origin: new URL(server.address).origin,
    async close() {
      await server.close()
      rmSync(outDir, { recursive: true, force: true })
    },
  }
}

/** What was built, served; closing it waits for nobody. */
export async function openPreview(config: InlineConfig) {
  const server = await preview(config)
  const address = server.resolvedUrls?.local[0]
  if (address === undefined) throw new Error('the site has no address')
  return {
    address,
    async close() {
      if ('closeAllConnections' in server.httpServer) server.httpServer.closeAllConnections()
      await server.close()
    },
  }
}
