import { useState, type DragEvent } from 'react'

/** What a dragged column is called among the kinds of things that can be dragged. */
const kind = 'application/x-millrace-column'

/** Makes an element carry a column. */
export function carry(event: DragEvent, column: string): void {
  event.dataTransfer.effectAllowed = 'copy'
  event.dataTransfer.setData(kind, column)
  event.dataTransfer.setData('text/plain', column)
}

/** Lets an element take a column that is dropped on it. */
export function useDrop(onDrop: (column: string) => void) {
  const [over, setOver] = useState(false)
  const allow = (event: DragEvent) => {
    if (!event.dataTransfer.types.includes(kind)) return
    event.preventDefault()
    event.dataTransfer.dropEffect = 'copy'
    setOver(true)
  }
  const drop = (event: DragEvent) => {
    setOver(false)
    const column = event.dataTransfer.getData(kind)
    if (column === '') return
    event.preventDefault()
    onDrop(column)
  }
  return { 'data-over': over || undefined, onDragEnter: allow, onDragOver: allow, onDragLeave: () => setOver(false), onDrop: drop }
}
