import { useEffect, useEffectEvent, useRef, type RefObject } from 'react'
import type { Size, View } from './viewport'
import { pan, zoom } from './viewport'

interface Props {
  view: View
  setView: (view: View) => void
  layout: Size
  size: Size
}

/** How far a pointer moves before it drags, in pixels: less is a click. */
const threshold = 4

interface Drag {
  pointer: number
  x: number
  y: number
  view: View
  moved: boolean
}

/**
 * Moves the view by dragging and by the wheel, and zooms by the wheel with Ctrl (which pinching on a touchpad sends).
 * Where the wheel would move nothing, the page scrolls.
 */
export function useMoves(ref: RefObject<HTMLElement | null>, { view, setView, layout, size }: Props) {
  const drag = useRef<Drag>(undefined)
  const onWheel = useEffectEvent((event: WheelEvent) => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault()
      const box = ref.current?.getBoundingClientRect()
      setView(zoom(view, Math.exp(-event.deltaY / 300), { x: event.clientX - (box?.left ?? 0), y: event.clientY - (box?.top ?? 0) }))
      return
    }
    const [dx, dy] = event.shiftKey ? [event.deltaY, 0] : [event.deltaX, event.deltaY]
    const next = pan(view, { x: -dx, y: -dy }, layout, size)
    if (next.x === view.x && next.y === view.y) return
    event.preventDefault()
    setView(next)
  })
  useEffect(() => {
    const element = ref.current
    const listener = (event: WheelEvent) => onWheel(event)
    // React listens to the wheel passively, which would let the page scroll as well.
    element?.addEventListener('wheel', listener, { passive: false })
    return () => element?.removeEventListener('wheel', listener)
  }, [ref])
  return {
    /** Whether what comes now, a click, only ends a drag. */
    justMoved: () => drag.current?.moved === true,
    onPointerDown: (event: React.PointerEvent) => {
      if (event.button === 0) drag.current = { pointer: event.pointerId, x: event.clientX, y: event.clientY, view, moved: false }
    },
    onPointerMove: (event: React.PointerEvent) => {
      const from = drag.current
      if (from?.pointer !== event.pointerId || event.buttons === 0) return
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y]
      if (!from.moved && Math.hypot(dx, dy) < threshold) return
      if (!from.moved) event.currentTarget.setPointerCapture(event.pointerId)
      from.moved = true
      setView({ ...from.view, x: from.view.x + dx, y: from.view.y + dy })
    },
    onPointerUp: (event: React.PointerEvent) => {
      // A click that ends a drag comes after this.
      if (event.currentTarget.hasPointerCapture(event.pointerId)) event.currentTarget.releasePointerCapture(event.pointerId)
    },
  }
}
