import '@fontsource-variable/ibm-plex-sans/wght.css'
import '@fontsource/ibm-plex-mono/latin-400.css'
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './app.css'

import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { ConfirmProvider } from './components/confirm/ConfirmProvider'
import { createQueryClient } from './query-client'
import { createAppRouter } from './router'
import { setSignedOutHandler } from './services/http'
import { adoptThemeVariables, theme } from './theme'

adoptThemeVariables()
const queryClient = createQueryClient()
const router = createAppRouter(queryClient)

setSignedOutHandler(() => {
  queryClient.setQueryData(['session'], null)
  void router.invalidate()
})

const root = document.getElementById('root')
if (root === null) throw new Error('The page has no root element.')

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={queryClient}>
        <ConfirmProvider>
          <Notifications position="top-center" autoClose={5000} />
          <RouterProvider router={router} />
        </ConfirmProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
