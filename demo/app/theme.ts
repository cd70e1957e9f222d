/** Light, dark, or as the system is: for all tabs. What draws with colours of its own is told. */
import { oneOf, SharedSetting } from './shared-setting.js'

export const THEMES = ['auto', 'light', 'dark'] as const

export type Theme = SharedSetting<(typeof THEMES)[number]>

export function followTheme(): Theme {
  const theme = new SharedSetting('theme', oneOf([...THEMES]))
  const follow = () => {
    const { documentElement } = document
    if (theme.value === 'auto') delete documentElement.dataset['theme']
    else documentElement.dataset['theme'] = theme.value
    document.dispatchEvent(new Event('themechange'))
  }
  theme.cell.listen(follow)
  follow()
  return theme
}
