import { expect, it } from 'vitest'
import { begin, drawn, fit, leastScale, mostScale, reveal, zoom } from './viewport'

const window = { width: 1000, height: 600 }

it('zooms around a point and within limits', () => {
  const view = zoom({ x: 10, y: 20, scale: 1 }, 2, { x: 110, y: 220 })
  expect(view).toEqual({ scale: 2, x: -90, y: -180 })
  expect(zoom(view, 100, { x: 0, y: 0 }).scale).toBe(mostScale)
  expect(zoom(view, 0.0001, { x: 0, y: 0 }).scale).toBe(leastScale)
})

it('fits a graph into the window without making it larger', () => {
  expect(fit({ width: 100, height: 100 }, window)).toEqual({ scale: 1, x: 450, y: 28 })
  expect(fit({ width: 944, height: 1088 }, window)).toEqual({ scale: 0.5, x: 264, y: 28 })
})

it('begins with the whole graph only where it can be read', () => {
  expect(begin({ width: 500, height: 400 }, window)).toEqual(fit({ width: 500, height: 400 }, window))
  expect(begin({ width: 500, height: 40_000 }, window)).toEqual({ scale: 1, x: 250, y: 28 })
  expect(begin({ width: 5000, height: 40_000 }, window)).toEqual({ scale: 0.6, x: 28, y: 28 })
})

it('moves no further than it takes to see a box', () => {
  const view = { x: 0, y: 0, scale: 1 }
  expect(reveal(view, { x: 100, y: 100, width: 200, height: 40 }, window)).toEqual(view)
  expect(reveal(view, { x: 900, y: 580, width: 200, height: 40 }, window)).toEqual({ x: -128, y: -48, scale: 1 })
  expect(reveal(view, { x: -50, y: 100, width: 200, height: 40 }, window)).toEqual({ x: 78, y: 0, scale: 1 })
})

it('draws the same part while the view moves by a little, and never less than is seen', () => {
  const area = drawn({ x: -700, y: -700, scale: 1 }, window)
  expect(drawn({ x: -720, y: -690, scale: 1 }, window)).toEqual(area)
  expect(area.left).toBeLessThanOrEqual(700)
  expect(area.right).toBeGreaterThanOrEqual(1700)
  expect(area.bottom).toBeGreaterThanOrEqual(1300)
})
