/** A page with nothing but the console, of the broker and with the attributes that its address names. */
import { TabmqConsole } from '../../../src/console/index.js'

const attributes = new URLSearchParams(location.search)
const element = new TabmqConsole()
for (const [name, value] of attributes) element.setAttribute(name, value)
document.body.append(element)
