/** The site that is measured: the bench's pages over dist/, bundled as an app's deployment is. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { build, preview, type InlineConfig } from 'vite'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const PAGE = '/test/bench/page/index.html'

export interface Site {
  readonly url: string
  close(): Promise<void>
}

/** Pages that share nothing with others have a clock that tells microseconds, not tenths of a ms. */
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

/** What the pages import from the sources comes from the package as it is published. */
const ofDist = {
  find: /^(?:\.\.\/)+src\/index\.js$/,
  replacement: join(ROOT, 'dist/src/index.js'),
}

/** `isReadable`: from the sources, with the names that they have, for a profile. */
export async function openSite({ isReadable }: { isReadable: boolean }): Promise<Site> {
  const outDir = mkdtempSync(join(tmpdir(), 'tabmq-bench-site-'))
  const config: InlineConfig = {
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    resolve: { alias: isReadable ? [] : [ofDist] },
    worker: { format: 'es' },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'es2022',
      minify: !isReadable,
      rolldownOptions: { input: join(ROOT, PAGE) },
    },
  }
  await build(config)
  const server = await preview({
    ...config,
    preview: { port: 5197, strictPort: false, headers: ISOLATION },
  })
  const address = server.resolvedUrls?.local[0]
  if (address === undefined) throw new Error('the site has no address')
  return {
    url: address.replace(/\/$/, ''),
    async close() {
      if ('closeAllConnections' in server.httpServer) server.httpServer.closeAllConnections()
      await server.close()
      rmSync(outDir, { recursive: true, force: true })
    },
  }
}

/** Bytes that a page downloads, compressed: all of the client, minified as by an app, and the worker. */
export async function sizes(): Promise<{ readonly client: number; readonly worker: number }> {
  const client = await rolldown({
    cwd: ROOT,
    input: 'dist/src/index.js',
    platform: 'browser',
    transform: { target: 'es2022' },
  })
  const { output } = await client.generate({ format: 'esm', codeSplitting: false, minify: true })
  await client.close()
  return {
    client: compressedBytes(Buffer.from(output[0].code)),
    worker: compressedBytes(readFileSync(join(ROOT, 'dist/worker/shared-worker.js'))),
  }
}

function compressedBytes(code: Buffer): number {
  return brotliCompressSync(code).length
}
