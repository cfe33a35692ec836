import { ActionIcon, Button, Checkbox, Popover } from '@mantine/core'
import { IconColumns3 } from '@tabler/icons-react'
import { shownColumns, toggled } from './columns'
import type { Column } from './DataTable'
import classes from './Filter.module.css'

interface Props<T> {
  columns: Column<T>[]
  chosen: string[] | undefined
  onChange: (chosen: string[] | undefined) => void
}

/** Chooses the columns of a table. */
export function ColumnsMenu<T>({ columns, chosen, onChange }: Props<T>) {
  const shown = new Set(shownColumns(columns, chosen).map(({ id }) => id))
  return (
    <Popover position="bottom-end" trapFocus returnFocus shadow="md">
      <Popover.Target>
        <ActionIcon variant="default" size={30} aria-label="Choose columns" title="Choose columns">
          <IconColumns3 size={16} aria-hidden />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown p={8}>
        <fieldset className={classes.panel}>
          <legend className="visually-hidden">Columns</legend>
          <div className={classes.choices}>
            {columns.map((column) => (
              <Checkbox
                key={column.id}
                size="xs"
                label={column.header}
                checked={shown.has(column.id)}
                disabled={column.fill}
                onChange={() => onChange(toggled(columns, chosen, column.id))}
              />
            ))}
          </div>
          {chosen !== undefined && (
            <Button size="compact-xs" variant="subtle" onClick={() => onChange(undefined)}>
              As it was
            </Button>
          )}
        </fieldset>
      </Popover.Dropdown>
    </Popover>
  )
}
