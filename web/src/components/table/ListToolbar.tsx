import { CloseButton, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useState, type ReactNode } from 'react'
import classes from './Table.module.css'

interface SearchProps {
  value: string
  label: string
  onChange: (value: string) => void
}

/** A search field that waits until the typing pauses. Who has gone to another page meanwhile is not called back. */
export function SearchField({ value, label, onChange }: SearchProps) {
  const [text, setText] = useState(value)
  const [settled, setSettled] = useState(value)
  const send = useDebouncedCallback((next: string, page: string) => {
    if (window.location.pathname === page) onChange(next)
  }, 250)
  if (value !== settled) {
    setSettled(value)
    setText(value)
  }
  const change = (next: string) => {
    setText(next)
    send(next, window.location.pathname)
  }
  const clear = () => {
    send.cancel()
    setText('')
    onChange('')
  }
  return (
    <TextInput
      size="xs"
      aria-label={label}
      placeholder={label}
      value={text}
      leftSection={<IconSearch size={15} aria-hidden />}
      rightSection={text === '' ? undefined : <CloseButton size="sm" aria-label="Clear the search" onClick={clear} />}
      onChange={(event) => change(event.currentTarget.value)}
    />
  )
}

/** The bar above a list. */
export const ListToolbar = ({ children }: { children: ReactNode }) => <div className={`${classes.toolbar} quiet`}>{children}</div>
