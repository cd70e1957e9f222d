/** The styles as sheets that a shadow root adopts: a content security policy has nothing against these. */
import { base } from './base.js'
import { messages } from './messages.js'
import { tokens } from './tokens.js'

let sheets: CSSStyleSheet[] | undefined

/** The same for all consoles of a page. */
export function consoleSheets(): CSSStyleSheet[] {
  sheets ??= [tokens, base, messages].map((text) => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(text)
    return sheet
  })
  return sheets
}
