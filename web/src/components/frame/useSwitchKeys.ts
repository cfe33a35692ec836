import { useHotkeys } from '@mantine/hooks'
import { useNavigate } from '@tanstack/react-router'
import { useRef } from 'react'

/** How long after S a W still counts, in milliseconds. */
const patience = 1500

/** S and then W leads to the workspaces (ORG-07). Keys that are typed into a field do not count. */
export function useSwitchKeys() {
  const navigate = useNavigate()
  const pressed = useRef(0)
  useHotkeys([
    ['s', (event) => (pressed.current = event.timeStamp), { preventDefault: false }],
    [
      'w',
      (event) => {
        if (event.timeStamp - pressed.current < patience) void navigate({ to: '/workspaces' })
        pressed.current = 0
      },
      { preventDefault: false },
    ],
  ])
}
