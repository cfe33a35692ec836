/** The mill wheel over its water. Its colour is the text's. */
export function Logo({ size = 26 }: { size?: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} fill="none" aria-hidden="true">
      <g stroke="currentColor" strokeWidth="2" strokeLinecap="round">
        <circle cx="16" cy="12.5" r="7" />
        <circle cx="16" cy="12.5" r="1.4" fill="currentColor" />
        <path d="M16 2.500v20M6 12.500h20M8.930 5.430l14.140 14.140M23.070 5.430 8.930 19.570" strokeWidth="1.7" />
        <path d="M3.500 27.500c2.500-2.200 5-2.200 7.500 0s5 2.200 7.500 0 5-2.200 7.500 0 2.500 1.100 2.500 1.100" />
      </g>
    </svg>
  )
}
