import js from '@eslint/js'
import jsxA11y from 'eslint-plugin-jsx-a11y'
import reactHooks from 'eslint-plugin-react-hooks'
import globals from 'globals'
import tseslint from 'typescript-eslint'

// A name that starts with an underscore is left out on purpose.
const unused = { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true }

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'test-results', 'playwright-report', 'screenshots', 'src/services/openapi.gen.ts'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommendedTypeChecked, jsxA11y.flatConfigs.recommended, reactHooks.configs.flat.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      // TanStack Router throws redirects, which are not Error objects.
      '@typescript-eslint/only-throw-error': 'off',
      // The first field of a dialog that the person just opened takes the focus.
      'jsx-a11y/no-autofocus': 'off',
      // What scrolls must take the focus, so that the keyboard can scroll it (axe: scrollable-region-focusable).
      'jsx-a11y/no-noninteractive-tabindex': 'off',
      '@typescript-eslint/no-unused-vars': ['error', unused],
    },
  },
  // The fixtures of Playwright have a function called use, which is no hook.
  { files: ['test/**/*.ts'], rules: { 'react-hooks/rules-of-hooks': 'off' } },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: { globals: globals.node },
    rules: { 'no-unused-vars': ['error', unused] },
  },
  // What is measured runs in the page.
  { files: ['test/bench/*.mjs'], languageOptions: { globals: globals.browser } },
  { files: ['public/**/*.js'], languageOptions: { globals: globals.browser } },
)
