/** What part of the graph is seen: a point of the graph stands at scale × point + (x, y) of the window. */
export interface View {
  x: number
  y: number
  scale: number
}

export interface Size {
  width: number
  height: number
}

export const leastScale = 0.08
export const mostScale = 2
const margin = 28

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))

/** The view with another scale, in which a point of the window shows what it showed. */
export function zoom(view: View, factor: number, at: { x: number; y: number }): View {
  const scale = clamp(view.scale * factor, leastScale, mostScale)
  const ratio = scale / view.scale
  return { scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio }
}

/** The view in which the whole graph is seen from the top, never larger than it is. */
export function fit(graph: Size, window: Size): View {
  const room = { width: window.width - 2 * margin, height: window.height - 2 * margin }
  const scale = clamp(Math.min(room.width / graph.width, room.height / graph.height), leastScale, 1)
  return { scale, x: (window.width - graph.width * scale) / 2, y: margin }
}

/** Below this scale names cannot be read. */
const readable = 0.6

/** The view to begin with: the whole graph where its names can be read then, else its beginning. */
export function begin(graph: Size, window: Size): View {
  const whole = fit(graph, window)
  if (whole.scale >= readable) return whole
  const scale = clamp((window.width - 2 * margin) / graph.width, readable, 1)
  return { scale, x: Math.max(margin, (window.width - graph.width * scale) / 2), y: margin }
}

/** The view moved so far that a box of the graph is seen as a whole, with some room around it. */
export function reveal(view: View, box: Size & { x: number; y: number }, window: Size): View {
  const move = (from: number, length: number, room: number) => {
    if (from < margin) return margin - from
    return Math.min(0, room - margin - (from + length))
  }
  const { scale } = view
  return {
    scale,
    x: view.x + move(view.x + box.x * scale, box.width * scale, window.width),
    y: view.y + move(view.y + box.y * scale, box.height * scale, window.height),
  }
}

export interface Area {
  left: number
  top: number
  right: number
  bottom: number
}

const step = 600

/**
 * The part of the graph to draw: what is seen and a bit around it, in steps, so that moving the view by a little draws
 * nothing anew.
 */
export function drawn(view: View, window: Size): Area {
  const down = (value: number) => Math.floor(value / step) * step - step
  const up = (value: number) => Math.ceil(value / step) * step + step
  return {
    left: down(-view.x / view.scale),
    top: down(-view.y / view.scale),
    right: up((window.width - view.x) / view.scale),
    bottom: up((window.height - view.y) / view.scale),
  }
}

/** The view moved by some pixels, but not past the ends of the graph. */
export function pan(view: View, by: { x: number; y: number }, graph: Size, window: Size): View {
  const along = (from: number, move: number, length: number, room: number) => {
    const least = Math.min(from, room - margin - length)
    const most = Math.max(from, margin)
    return clamp(from + move, least, most)
  }
  return {
    scale: view.scale,
    x: along(view.x, by.x, graph.width * view.scale, window.width),
    y: along(view.y, by.y, graph.height * view.scale, window.height),
  }
}
