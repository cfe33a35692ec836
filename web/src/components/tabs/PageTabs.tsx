import { Tabs } from '@mantine/core'
import type { ReactNode } from 'react'
import { count } from '~/components/format/format'

export interface TabSpec {
  value: string
  label: string
  /** A count beside the label. */
  count?: number
  content: () => ReactNode
}

interface Props {
  label: string
  tabs: TabSpec[]
  value: string
  onChange: (value: string) => void
}

/** Tabs whose choice is kept by the caller, mostly in the address. */
export function PageTabs({ label, tabs, value, onChange }: Props) {
  const current = tabs.some((t) => t.value === value) ? value : tabs[0]?.value
  return (
    <Tabs value={current} onChange={(next) => next !== null && onChange(next)} keepMounted={false}>
      <Tabs.List aria-label={label} mb={16}>
        {tabs.map((tab) => (
          <Tabs.Tab key={tab.value} value={tab.value}>
            {tab.label}
            {tab.count !== undefined && <span className="muted num small"> {count(tab.count)}</span>}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map((tab) => (
        <Tabs.Panel key={tab.value} value={tab.value}>
          {tab.content()}
        </Tabs.Panel>
      ))}
    </Tabs>
  )
}
