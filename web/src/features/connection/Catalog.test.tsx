import { fireEvent, screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import { renderInApp } from '~/test/render'
import { Catalog } from './Catalog'

const entry = { slug: 'pg', name: 'PostgreSQL', category: 'database', summary: 'Tables', verified: true }

// Req: S-72
it('says what a build lacks for a source, and does not let it be chosen', () => {
  const chosen = vi.fn()
  renderInApp(<Catalog label="Search" entries={[entry, { ...entry, slug: 'teradata', name: 'Teradata', missing: 'This build has no ODBC' }]} onChoose={chosen} />)
  const card = screen.getByRole('button', { name: /Teradata/ })
  expect(card.textContent).toContain('This build has no ODBC')
  expect(card.textContent).toContain('Not in this build')
  fireEvent.click(card)
  expect(chosen).not.toHaveBeenCalled()
  fireEvent.click(screen.getByRole('button', { name: /PostgreSQL/ }))
  expect(chosen).toHaveBeenCalledWith('pg')
})
