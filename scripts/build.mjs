/**
 * Builds the package into dist/. The library is compiled file by file, so that every bundler and a
 * page without one can use it. The worker's two entries become one self-contained file each: import
 * maps do not reach into workers, and a worker's address must not depend on how an app is bundled.
 * The client finds the worker at ../../worker/shared-worker.js, in the sources as in dist/, and also
 * from the console's bundle, which is as deep and has a client and Preact in itself.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { elapsed, root, runScript, toolPath } from './run.mjs'

const startMs = performance.now()
rmSync(join(root, 'dist'), { recursive: true, force: true })

compile('src')
// The worker's libraries contradict the DOM's, so its declarations are a run of their own.
compile('worker', ['--emitDeclarationOnly'])

// The console's bundle is all there is of it, but for the types of the element.
compile('src/console', ['--emitDeclarationOnly'])
keepOnly('dist/src/console', ['index.d.ts', 'tabmq-console.d.ts', 'route.d.ts'])

// Nothing else touches this file before a browser does; index.js goes through the app's bundler.
await bundle('worker/shared-worker', { minify: true })
await bundle('worker/index', { minify: false })
await bundle('src/console/index', { minify: true })
quoteWorker('dist/src/console/index.js')

if (!runScript(toolPath('publint'), ['--strict', '--pack', 'false'])) process.exit(1)
console.log(`built dist/ in ${elapsed(startMs)}`)

/**
 * @param {string} project
 * @param {string[]} [more]
 */
function compile(project, more = []) {
  const emit = ['--noEmit', 'false', '--declaration', '--rootDir', '.', '--outDir', 'dist']
  const args = ['--project', project, ...emit, ...more]
  if (!runScript(toolPath('typescript', 'tsc'), args)) process.exit(1)
}

/**
 * Minified, strings are templates. Where an app's bundler looks for workers, it takes none for the
 * literal that it has to be.
 * @param {string} path
 */
function quoteWorker(path) {
  const file = join(root, path)
  const code = readFileSync(file, 'utf8')
  const worker = /new URL\(`([^`]+)`,import\.meta\.url\),\{type:`module`/g
  if (code.match(worker)?.length !== 1) throw new Error(`${path}: where does the worker start?`)
  writeFileSync(file, code.replace(worker, "new URL('$1',import.meta.url),{type:'module'"))
}

/**
 * @param {string} folder
 * @param {string[]} names
 */
function keepOnly(folder, names) {
  for (const name of readdirSync(join(root, folder))) {
    if (!names.includes(name)) rmSync(join(root, folder, name), { recursive: true })
  }
}

/**
 * @param {string} entry without its ending
 * @param {{ minify: boolean }} options
 */
async function bundle(entry, { minify }) {
  const build = await rolldown({
    cwd: root,
    input: `${entry}.ts`,
    platform: 'browser',
    resolve: { extensionAlias: { '.js': ['.ts', '.tsx', '.js'] } },
    transform: { target: 'es2022' },
  })
  const { output } = await build.write({
    file: `dist/${entry}.js`,
    format: 'esm',
    codeSplitting: false,
    minify,
    comments: !minify,
  })
  await build.close()

  const [chunk, ...others] = output
  // What is imported when it is first used is in the file, which then imports itself, in a way.
  const imports = [...chunk.imports, ...chunk.dynamicImports].filter(
    (one) => one !== chunk.fileName,
  )
  if (others.length > 0 || imports.length > 0) {
    throw new Error(`dist/${entry}.js is not self-contained: ${imports.join(', ')}`)
  }
  const kilobytes = (/** @type {number} */ bytes) => `${(bytes / 1000).toFixed(1)} kB`
  const code = Buffer.from(chunk.code)
  console.log(
    `dist/${entry}.js: ${kilobytes(code.length)}, ${kilobytes(gzipSync(code).length)} gzip`,
  )
}
