import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef } from 'react'
import { TypeIcon } from './TypeIcon'
import { cellText } from './types'
import type { Json, Preview } from '~/services/types'
import classes from './Grid.module.css'

const rowHeight = 30

function Cell({ value, numeric }: { value: Json | undefined; numeric: boolean }) {
  const text = cellText(value)
  return (
    <span role="cell" className={numeric ? classes.numeric : classes.cell} title={text ?? undefined}>
      {text === null ? <em className={classes.null}>null</em> : text}
    </span>
  )
}

/** The rows of a query, drawn only where they are in sight. */
export function ResultGrid({ preview, label }: { preview: Preview; label: string }) {
  const columns = preview.columns ?? []
  const rows = preview.rows ?? []
  const scroller = useRef<HTMLDivElement>(null)
  // The compiler must not memoise what the virtualizer returns: it changes while scrolling.
  // eslint-disable-next-line react-hooks/incompatible-library
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    initialRect: { width: 800, height: 400 },
  })
  const template = { gridTemplateColumns: `52px repeat(${columns.length}, minmax(132px, 1fr))` }
  return (
    <div ref={scroller} className={classes.grid} role="table" aria-label={label} aria-rowcount={rows.length + 1} tabIndex={0}>
      <div role="row" className={classes.head} style={template}>
        <span role="columnheader" className={classes.index} aria-label="Row number" />
        {columns.map((column) => (
          <span role="columnheader" key={column.name} className={classes.columnHead} title={column.native}>
            <TypeIcon type={column.type} />
            <span className="truncate">{column.name}</span>
          </span>
        ))}
      </div>
      <div role="rowgroup" className={classes.body} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => (
          <div
            role="row"
            key={item.key}
            aria-rowindex={item.index + 2}
            className={classes.row}
            style={{ ...template, transform: `translateY(${item.start}px)` }}
          >
            <span role="cell" className={classes.index}>
              {item.index + 1}
            </span>
            {columns.map((column, i) => (
              <Cell key={column.name} value={rows[item.index]?.[i]} numeric={column.type === 'number'} />
            ))}
          </div>
        ))}
      </div>
    </div>
  )
}
