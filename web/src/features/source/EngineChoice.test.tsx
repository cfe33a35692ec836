import { fireEvent, screen } from '@testing-library/react'
import { expect, it, vi } from 'vitest'
import { renderInApp } from '~/test/render'
import { EngineChoice } from './EngineChoice'

const info = { name: 'PostgreSQL', grants: 'GRANT CREATE ON SCHEMA "{planner}" TO "{user}";' }

// Req: S-06, SY-47
it('says what Lightning needs and that there is no way back', () => {
  const choose = vi.fn()
  const { unmount } = renderInApp(<EngineChoice info={info} settings={{ user: 'reader' }} value="basic" saved="basic" onChange={choose} />)
  expect(screen.queryByText(/no way back/)).toBeNull()
  fireEvent.click(screen.getByRole('radio', { name: 'Lightning' }))
  expect(choose).toHaveBeenCalledWith('lightning')
  unmount()
  renderInApp(<EngineChoice info={info} settings={{ user: 'reader' }} value="lightning" saved="basic" onChange={choose} />)
  expect(screen.getByLabelText('Grants').textContent).toBe('GRANT CREATE ON SCHEMA "millrace_planner" TO "reader";')
  expect(screen.getByText('There is no way back')).toBeTruthy()
  expect(screen.getByText(/nothing is sent again/)).toBeTruthy()
})

// Req: SY-47
it('does not offer the way back', () => {
  renderInApp(<EngineChoice info={info} settings={{}} value="lightning" saved="lightning" onChange={() => undefined} />)
  expect(screen.getByRole<HTMLInputElement>('radio', { name: 'Basic' }).disabled).toBe(true)
  expect(screen.queryByText('There is no way back')).toBeNull()
  expect(screen.getByText(/stays with it/)).toBeTruthy()
})
