/** Marks what lies over a drawer. */
export const enlargedMark = { 'data-enlarged': true }

/** Closes a drawer, unless something lies over it: Escape is for that alone. */
export const unlessEnlarged = (close: () => void) => () => {
  if (document.querySelector('[data-enlarged]') === null) close()
}
