import {
  Alert,
  Badge,
  Button,
  Checkbox,
  convertCssVariables,
  createTheme,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  Drawer,
  InputWrapper,
  Menu,
  mergeMantineTheme,
  Modal,
  Radio,
  Switch,
  Tooltip,
  type CSSVariablesResolver,
  type MantineColorsTuple,
} from '@mantine/core'

/** The water of the millrace: the one colour that asks for attention. */
const mill: MantineColorsTuple = [
  '#e9f6f6',
  '#d0ebec',
  '#a3d8da',
  '#72c3c7',
  '#4cb0b5',
  '#2f9aa0',
  '#17838a',
  '#0e6c74',
  '#0a5960',
  '#07464c',
]

/** Greys with a breath of the same hue. */
const slate: MantineColorsTuple = [
  '#f6f9f9',
  '#edf2f2',
  '#dfe7e7',
  '#c7d3d4',
  '#a3b3b5',
  '#7d9094',
  '#5d7176',
  '#45585d',
  '#2f4045',
  '#1b2a2e',
]

const dark: MantineColorsTuple = [
  '#e2ebec',
  '#c3d1d3',
  '#9aacb0',
  '#6f848a',
  '#2c3d43',
  '#223238',
  '#1a272c',
  '#131d21',
  '#0e171a',
  '#0a1113',
]

const close = { 'aria-label': 'Close' }

export const theme = createTheme({
  primaryColor: 'mill',
  primaryShade: { light: 7, dark: 7 },
  colors: { mill, slate, gray: slate, dark },
  black: '#16252a',
  fontFamily: "'IBM Plex Sans Variable', system-ui, sans-serif",
  fontFamilyMonospace: "'IBM Plex Mono', ui-monospace, monospace",
  headings: { fontFamily: "'IBM Plex Sans Variable', system-ui, sans-serif", fontWeight: '600' },
  fontSizes: { xs: '12px', sm: '13px', md: '14px', lg: '16px', xl: '20px' },
  lineHeights: { xs: '1.4', sm: '1.45', md: '1.5', lg: '1.5', xl: '1.4' },
  spacing: { xs: '8px', sm: '12px', md: '16px', lg: '24px', xl: '36px' },
  radius: { xs: '3px', sm: '5px', md: '7px', lg: '10px', xl: '16px' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  components: {
    Alert: Alert.extend({ defaultProps: { variant: 'light' } }),
    Badge: Badge.extend({ defaultProps: { radius: 'sm', variant: 'light', tt: 'none', fw: 500 } }),
    Button: Button.extend({ defaultProps: { size: 'sm' } }),
    Checkbox: Checkbox.extend({ vars: () => ({ root: { '--checkbox-size': '16px' } }) }),
    Radio: Radio.extend({ vars: () => ({ root: { '--radio-size': '16px', '--radio-icon-size': '6px' } }) }),
    Switch: Switch.extend({ defaultProps: { withThumbIndicator: false } }),
    InputWrapper: InputWrapper.extend({
      vars: () => ({ label: {}, error: {}, success: {}, description: { '--input-description-size': '12px' } }),
    }),
    // Locking the page's scroll would inject a style element, which the content security policy forbids.
    Modal: Modal.extend({ defaultProps: { lockScroll: false, centered: true, closeButtonProps: close } }),
    Drawer: Drawer.extend({ defaultProps: { lockScroll: false, closeButtonProps: close } }),
    Menu: Menu.extend({ defaultProps: { shadow: 'md', radius: 'md' } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 250 } }),
  },
})

/** Mantine's own names for the colours of app.css. */
const names = {
  '--mantine-color-body': 'var(--page)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-bright': 'var(--text)',
  '--mantine-color-dimmed': 'var(--muted)',
  '--mantine-color-placeholder': 'var(--muted)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'var(--hover)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-error': 'var(--bad)',
  '--mantine-color-disabled-color': 'var(--muted)',
}

const resolver: CSSVariablesResolver = (resolved) => {
  const { variables, light, dark: night } = defaultCssVariablesResolver(resolved)
  return { variables, light: { ...light, ...names }, dark: { ...night, ...names } }
}

/**
 * Writes the theme's CSS variables as a constructed style sheet. Mantine would write a style element,
 * which the content security policy (style-src 'self') forbids.
 */
export function adoptThemeVariables(): void {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(convertCssVariables(resolver(mergeMantineTheme(DEFAULT_THEME, theme)), ':root'))
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
}
