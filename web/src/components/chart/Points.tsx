import { Link } from '@tanstack/react-router'
import { useId, useState } from 'react'
import type { Pointed } from './Chart'
import classes from './Chart.module.css'
import { nextPoint, type Slot } from './scale'
import type { Measure, Point, Series } from './types'
import { pointWords } from './words'

interface Props {
  label: string
  hint: string
  points: Point[]
  series: Series[]
  slots: Slot[]
  measure: Measure
  height: number
  pointed: Pointed | undefined
  onPoint: (pointed: Pointed | undefined) => void
}

/** The sides of an element in the chart, whatever it is scrolled to. */
function sidesOf(element: Element): Omit<Pointed, 'index'> {
  const { left, right } = element.getBoundingClientRect()
  const plot = element.closest(`.${classes.plot}`)?.getBoundingClientRect().left ?? 0
  return { from: left - plot, to: right - plot }
}

/** What is pointed at, focused and opened: one element over each point, of which one takes the focus by Tab. */
export function Points({ label, hint, points, series, slots, measure, height, pointed, onPoint }: Props) {
  const described = useId()
  const [stop, setStop] = useState<Point['key']>()
  const known = points.findIndex(({ key }) => key === stop)
  const current = known < 0 ? points.length - 1 : known
  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>) => {
    if (event.key === 'Escape') onPoint(undefined)
    const next = nextPoint(event.key, current, points.length)
    if (next === undefined) return
    event.preventDefault()
    event.currentTarget.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus()
  }
  return (
    // What takes the focus is within; the keys move between it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div role="group" aria-label={label} aria-describedby={described} className={classes.points} onKeyDown={onKeyDown} onPointerLeave={() => onPoint(undefined)}>
      <p id={described} className="visually-hidden">
        {hint}
      </p>
      {points.map((point, index) => {
        const show = (event: { currentTarget: Element }) => onPoint({ index, ...sidesOf(event.currentTarget) })
        const common = {
          'data-index': index,
          'data-pointed': pointed?.index === index ? true : undefined,
          'aria-label': pointWords(point, series, measure),
          tabIndex: index === current ? 0 : -1,
          style: { left: slots[index]?.from, width: (slots[index]?.to ?? 0) - (slots[index]?.from ?? 0), height },
          onPointerEnter: show,
          onFocus: (event: React.FocusEvent<HTMLElement>) => {
            setStop(point.key)
            event.currentTarget.scrollIntoView({ block: 'nearest', inline: 'nearest' })
            show(event)
          },
          onBlur: () => onPoint(undefined),
        }
        if (point.to !== undefined) return <Link key={point.key} to={point.to} {...common} />
        return <button key={point.key} type="button" onClick={show} {...common} />
      })}
    </div>
  )
}
