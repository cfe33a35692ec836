// Sets the colour scheme before the first paint. A file of its own, since the content security
// policy permits no inline script.
;(function () {
  var wanted = null
  try {
    wanted = localStorage.getItem('mantine-color-scheme-value')
  } catch {
    wanted = null
  }
  var dark = wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
})()
