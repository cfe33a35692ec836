import { ActionIcon, Tooltip } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { IconFocusCentered, IconMinus, IconPlus, type Icon } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useId, useMemo, useRef, useState } from 'react'
import { count } from '~/components/format/format'
import type { Lineage } from '~/services/types'
import { GraphEdges, GraphNode } from './GraphParts'
import { kindWords, pageOf, throughOf } from './graph'
import { layOut, nodeHeight, nodeWidth, type Layout, type Placed } from './layout'
import classes from './Lineage.module.css'
import { nextOf } from './steps'
import { useMoves } from './useMoves'
import { begin, drawn, fit, reveal, zoom, type View } from './viewport'

interface Props {
  graph: Lineage
  /** The document whose lineage it is. */
  focus?: string
  /** The documents that a search found. */
  found?: Set<string>
  /** As high as the window leaves room, instead of as high as the graph is. */
  tall?: boolean
}

/** The document that an element of the graph stands for. */
const idOf = (element: Element): string | undefined => element.closest<HTMLElement>('[data-id]')?.dataset.id

const boxOf = ({ x, y }: Placed) => ({ x, y, width: nodeWidth, height: nodeHeight })

/** The documents in columns with lines between them, to be moved and enlarged by pointer and keyboard. */
export function LineageGraph({ graph, focus, found, tall = false }: Props) {
  const layout = useMemo(() => layOut(graph), [graph])
  const { ref, width, height } = useElementSize()
  const size = { width, height }
  // Another set of documents is looked at from the beginning; another state of the same ones changes no view.
  const key = useMemo(() => graph.nodes.map(({ id }) => id).join(' '), [graph])
  const [kept, setKept] = useState<{ key: string; view: View }>()
  const view = kept?.key === key ? kept.view : begin(layout, size)
  const setView = (next: View) => setKept({ key, view: next })
  const tallness = tall ? undefined : { height: Math.min(560, Math.max(180, layout.height + 56)) }
  const middle = { x: width / 2, y: height / 2 }
  return (
    <div className={`${classes.graph} ${tall ? classes.tall : ''}`}>
      <Headings layout={layout} view={view} />
      <div ref={ref} className={classes.window} style={tallness}>
        {width > 0 && <Canvas {...{ graph, layout, view, setView, size, focus, found }} />}
      </div>
      <div className={classes.zoom} role="group" aria-label="Zoom">
        <ZoomButton label="Zoom in" icon={IconPlus} onClick={() => setView(zoom(view, 1.25, middle))} />
        <ZoomButton label="Zoom out" icon={IconMinus} onClick={() => setView(zoom(view, 0.8, middle))} />
        <ZoomButton label="Show all" icon={IconFocusCentered} onClick={() => setView(fit(layout, size))} />
      </div>
    </div>
  )
}

function ZoomButton({ label, icon: Sign, onClick }: { label: string; icon: Icon; onClick: () => void }) {
  return (
    <Tooltip label={label} position="left">
      <ActionIcon variant="default" size={30} aria-label={label} onClick={onClick}>
        <Sign size={16} />
      </ActionIcon>
    </Tooltip>
  )
}

/** The names of the columns, which stay where they are when the graph is moved up and down. */
function Headings({ layout, view }: { layout: Layout; view: View }) {
  return (
    <div className={classes.headings} aria-hidden="true">
      {layout.columns.map(({ kind, x, nodes }) => (
        <span key={kind} style={{ left: view.x + x * view.scale, width: nodeWidth * view.scale }}>
          {kindWords[kind].many} <span className="num muted">{count(nodes.length)}</span>
        </span>
      ))}
    </div>
  )
}

interface CanvasProps {
  graph: Lineage
  layout: Layout
  view: View
  setView: (view: View) => void
  size: { width: number; height: number }
  focus?: string
  found?: Set<string>
}

function Canvas({ graph, layout, view, setView, size, focus, found }: CanvasProps) {
  const navigate = useNavigate()
  const hint = useId()
  const [hovered, setHovered] = useState<string>()
  const [current, setCurrent] = useState<string>()
  const canvas = useRef<HTMLDivElement>(null)
  const { justMoved, ...drag } = useMoves(canvas, { view, setView, layout, size })
  const first = layout.placed.has(focus ?? '') ? focus : layout.columns[0]?.nodes[0]?.node.id
  const stop = current !== undefined && layout.placed.has(current) ? current : first
  const pointed = hovered ?? (current === stop ? current : undefined)
  const lit = useMemo(() => (pointed === undefined ? undefined : throughOf(graph, [pointed])), [graph, pointed])
  const area = drawn(view, size)
  const { left, top, right, bottom } = area
  const seen = useMemo(() => {
    const inside = ({ x, y }: Placed) => x + nodeWidth > left && x < right && y + nodeHeight > top && y < bottom
    return [...layout.placed.values()].filter((p) => inside(p) || p.node.id === stop)
  }, [layout, left, top, right, bottom, stop])
  const show = (id: string) => {
    const place = layout.placed.get(id)
    setCurrent(id)
    if (place !== undefined) setView(reveal(view, boxOf(place), size))
  }
  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>) => {
    const next = stop === undefined ? undefined : nextOf(layout, stop, event.key)
    if (next === undefined) return
    event.preventDefault()
    const area = event.currentTarget
    show(next)
    // The document may have been out of sight, and is drawn first.
    requestAnimationFrame(() => area.querySelector<HTMLElement>(`[data-id="${CSS.escape(next)}"]`)?.focus({ preventScroll: true }))
  }
  const onClick = (event: React.MouseEvent<HTMLDivElement>) => {
    const link = (event.target as Element).closest('a')
    if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    const byKey = event.detail === 0
    if (byKey || !justMoved()) void navigate({ to: link.pathname })
  }
  return (
    // Links are within; the keys move between them.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      ref={canvas}
      className={classes.canvas}
      onClick={onClick}
      onFocus={(event) => {
        const id = idOf(event.target)
        if (id !== undefined && event.target.matches(':focus-visible')) show(id)
      }}
      onBlur={() => setCurrent(undefined)}
      onPointerOver={(event) => setHovered(idOf(event.target as Element))}
      onPointerLeave={() => setHovered(undefined)}
      onKeyDown={onKeyDown}
      {...drag}
    >
      <p id={hint} className="visually-hidden">
        Arrow keys move between documents, Enter opens one. The list holds the same.
      </p>
      <div
        role="group"
        aria-label="Lineage graph"
        aria-describedby={hint}
        className={classes.world}
        style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}
      >
        <GraphEdges edges={layout.edges} area={area} lit={lit} />
        {seen.map((place) => (
          <GraphNode
            key={place.node.id}
            node={place.node}
            x={place.x}
            y={place.y}
            href={pageOf(place.node)}
            dim={lit !== undefined && !lit.has(place.node.id)}
            found={found?.has(place.node.id) === true}
            own={place.node.id === focus}
            stop={place.node.id === stop}
          />
        ))}
      </div>
    </div>
  )
}
