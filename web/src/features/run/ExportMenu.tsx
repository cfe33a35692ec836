import { Button, Menu } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { exportAddress, statusesOf } from '~/services/runs'
import { sessionQuery } from '~/services/session'
import type { Run, RowStatus } from '~/services/types'
import { rejectedCount } from './counts'

interface File {
  label: string
  format: 'csv' | 'json'
  statuses: RowStatus[]
}

/** The files that a run's rows can be taken away as: all of them, and those that were rejected. */
function filesOf(run: Run): File[] {
  const formats = [{ format: 'csv', word: 'CSV' }, { format: 'json', word: 'JSON' }] as const
  const parts = [{ words: 'All rows', statuses: [] as RowStatus[] }]
  if (rejectedCount(run) > 0) parts.push({ words: 'Rejected rows', statuses: statusesOf('rejected', run) })
  return parts.flatMap(({ words, statuses }) => formats.map(({ format, word }) => ({ label: `${words} as ${word}`, format, statuses })))
}

/** Takes the rows of a run away as a file; admins of the workspace may (SY-73). */
export function ExportMenu({ run }: { run: Run }) {
  const session = useQuery(sessionQuery)
  if (session.data?.user.role !== 'admin') return null
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" size="xs" ml="auto" leftSection={<IconDownload size={14} />}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {filesOf(run).map(({ label, format, statuses }) => (
          <Menu.Item key={label} component="a" href={exportAddress(run.id, format, statuses)} download>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
