import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { LoadingPage } from './components/feedback/Loading'
import { AppLayout } from './routes/app'
import { NotFoundPage } from './routes/not-found'
import { PageError } from './routes/page-error'
import {
  lineageSearch,
  listSearch,
  modelNewSearch,
  modelSearch,
  runSearch,
  signInSearch,
  syncNewSearch,
  syncSearch,
  tabSearch,
  typeSearch,
} from './routes/search'
import { sessionQuery } from './services/session'

interface Context {
  queryClient: QueryClient
}

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: NotFoundPage })

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  validateSearch: signInSearch,
  beforeLoad: async ({ context, search }) => {
    const session = await context.queryClient.ensureQueryData(sessionQuery)
    if (session !== null) throw redirect({ to: search.next ?? '/' })
  },
  component: lazyRouteComponent(() => import('./routes/sign-in')),
})

const app = createRoute({
  getParentRoute: () => root,
  id: 'app',
  beforeLoad: async ({ context, location }) => {
    const session = await context.queryClient.ensureQueryData(sessionQuery)
    if (session !== null) return { session }
    throw redirect({ to: '/sign-in', search: location.href === '/' ? {} : { next: location.href } })
  },
  component: AppLayout,
})

const home = createRoute({
  getParentRoute: () => app,
  path: '/',
  component: lazyRouteComponent(() => import('./routes/home')),
})

const sources = createRoute({
  getParentRoute: () => app,
  path: '/sources',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/sources/list')),
})
const sourceNew = createRoute({
  getParentRoute: () => app,
  path: '/sources/new',
  validateSearch: typeSearch,
  component: lazyRouteComponent(() => import('./routes/sources/new')),
})
const source = createRoute({
  getParentRoute: () => app,
  path: '/sources/$slug',
  validateSearch: tabSearch,
  component: lazyRouteComponent(() => import('./routes/sources/detail')),
})

const models = createRoute({
  getParentRoute: () => app,
  path: '/models',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/models/list')),
})
const modelNew = createRoute({
  getParentRoute: () => app,
  path: '/models/new',
  validateSearch: modelNewSearch,
  component: lazyRouteComponent(() => import('./routes/models/new')),
})
const model = createRoute({
  getParentRoute: () => app,
  path: '/models/$slug',
  validateSearch: modelSearch,
  component: lazyRouteComponent(() => import('./routes/models/detail')),
})
const modelEdit = createRoute({
  getParentRoute: () => app,
  path: '/models/$slug/edit',
  component: lazyRouteComponent(() => import('./routes/models/edit')),
})
const modelClone = createRoute({
  getParentRoute: () => app,
  path: '/models/$slug/clone',
  component: lazyRouteComponent(() => import('./routes/models/clone')),
})

const destinations = createRoute({
  getParentRoute: () => app,
  path: '/destinations',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/destinations/list')),
})
const destinationNew = createRoute({
  getParentRoute: () => app,
  path: '/destinations/new',
  validateSearch: typeSearch,
  component: lazyRouteComponent(() => import('./routes/destinations/new')),
})
const destination = createRoute({
  getParentRoute: () => app,
  path: '/destinations/$slug',
  validateSearch: tabSearch,
  component: lazyRouteComponent(() => import('./routes/destinations/detail')),
})

const syncs = createRoute({
  getParentRoute: () => app,
  path: '/syncs',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/syncs/list')),
})
const syncNew = createRoute({
  getParentRoute: () => app,
  path: '/syncs/new',
  validateSearch: syncNewSearch,
  component: lazyRouteComponent(() => import('./routes/syncs/new')),
})
const sync = createRoute({
  getParentRoute: () => app,
  path: '/syncs/$slug',
  validateSearch: syncSearch,
  component: lazyRouteComponent(() => import('./routes/syncs/detail')),
})
const run = createRoute({
  getParentRoute: () => app,
  path: '/syncs/$slug/runs/$runId',
  validateSearch: runSearch,
  component: lazyRouteComponent(() => import('./routes/syncs/run')),
})

const sequences = createRoute({
  getParentRoute: () => app,
  path: '/sequences',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/sequences/list')),
})
const sequenceNew = createRoute({
  getParentRoute: () => app,
  path: '/sequences/new',
  component: lazyRouteComponent(() => import('./routes/sequences/new')),
})
const sequence = createRoute({
  getParentRoute: () => app,
  path: '/sequences/$slug',
  validateSearch: tabSearch,
  component: lazyRouteComponent(() => import('./routes/sequences/detail')),
})
const sequenceRun = createRoute({
  getParentRoute: () => app,
  path: '/sequences/$slug/runs/$runId',
  component: lazyRouteComponent(() => import('./routes/sequences/run')),
})

const lineage = createRoute({
  getParentRoute: () => app,
  path: '/lineage',
  validateSearch: lineageSearch,
  component: lazyRouteComponent(() => import('./routes/lineage')),
})

const settings = createRoute({
  getParentRoute: () => app,
  path: '/settings',
  beforeLoad: ({ location }) => {
    if (/^\/settings\/?$/.test(location.pathname)) throw redirect({ to: '/settings/workspace' })
  },
  component: lazyRouteComponent(() => import('./routes/settings/layout')),
})
const settingsWorkspace = createRoute({
  getParentRoute: () => settings,
  path: '/workspace',
  component: lazyRouteComponent(() => import('./routes/settings/workspace')),
})
const settingsAlerts = createRoute({
  getParentRoute: () => settings,
  path: '/alerts',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/settings/alerts')),
})
const settingsAlertNew = createRoute({
  getParentRoute: () => settings,
  path: '/alerts/new',
  validateSearch: typeSearch,
  component: lazyRouteComponent(() => import('./routes/settings/alert-new')),
})
const settingsAlert = createRoute({
  getParentRoute: () => settings,
  path: '/alerts/$slug',
  component: lazyRouteComponent(() => import('./routes/settings/alert')),
})
const settingsMonitors = createRoute({
  getParentRoute: () => settings,
  path: '/monitors',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/settings/monitors')),
})
const settingsMonitorNew = createRoute({
  getParentRoute: () => settings,
  path: '/monitors/new',
  component: lazyRouteComponent(() => import('./routes/settings/monitor-new')),
})
const settingsMonitor = createRoute({
  getParentRoute: () => settings,
  path: '/monitors/$slug',
  component: lazyRouteComponent(() => import('./routes/settings/monitor')),
})
const settingsKeys = createRoute({
  getParentRoute: () => settings,
  path: '/keys',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/settings/keys')),
})
const settingsStorage = createRoute({
  getParentRoute: () => settings,
  path: '/storage',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/settings/storage')),
})
const settingsStorageNew = createRoute({
  getParentRoute: () => settings,
  path: '/storage/new',
  validateSearch: typeSearch,
  component: lazyRouteComponent(() => import('./routes/settings/storage-new')),
})
const settingsStorageEdit = createRoute({
  getParentRoute: () => settings,
  path: '/storage/$slug',
  component: lazyRouteComponent(() => import('./routes/settings/storage-edit')),
})
const settingsBiTools = createRoute({
  getParentRoute: () => settings,
  path: '/bi-tools',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/settings/bi-tools')),
})
const settingsOrchestrators = createRoute({
  getParentRoute: () => settings,
  path: '/orchestrators',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/settings/orchestrators')),
})
const settingsTunnels = createRoute({
  getParentRoute: () => settings,
  path: '/tunnels',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/settings/tunnels')),
})
const settingsTunnelNew = createRoute({
  getParentRoute: () => settings,
  path: '/tunnels/new',
  validateSearch: typeSearch,
  component: lazyRouteComponent(() => import('./routes/settings/tunnel-new')),
})
const settingsTunnel = createRoute({
  getParentRoute: () => settings,
  path: '/tunnels/$slug',
  component: lazyRouteComponent(() => import('./routes/settings/tunnel')),
})
const settingsCredentials = createRoute({
  getParentRoute: () => settings,
  path: '/credentials',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/settings/credentials')),
})
const settingsCredentialNew = createRoute({
  getParentRoute: () => settings,
  path: '/credentials/new',
  validateSearch: typeSearch,
  component: lazyRouteComponent(() => import('./routes/settings/credential-new')),
})
const settingsCredential = createRoute({
  getParentRoute: () => settings,
  path: '/credentials/$slug',
  component: lazyRouteComponent(() => import('./routes/settings/credential')),
})

// Builds for users have no such page: the bundler drops what is never used.
const forDevelopers = import.meta.env.DEV
  ? [
      createRoute({
        getParentRoute: () => app,
        path: '/gallery',
        component: lazyRouteComponent(() => import('./routes/gallery')),
      }),
    ]
  : []

const workspaces = createRoute({
  getParentRoute: () => app,
  path: '/workspaces',
  validateSearch: listSearch,
  component: lazyRouteComponent(() => import('./routes/workspaces')),
})

/** Every other address: a page of the app, so that its search and its ways on are at hand. */
const nowhere = createRoute({ getParentRoute: () => app, path: '$', component: NotFoundPage })

const routeTree = root.addChildren([
  signIn,
  app.addChildren([
    home,
    sources,
    sourceNew,
    source,
    models,
    modelNew,
    model,
    modelEdit,
    modelClone,
    destinations,
    destinationNew,
    destination,
    syncs,
    syncNew,
    sync,
    run,
    sequences,
    sequenceNew,
    sequence,
    sequenceRun,
    lineage,
    ...forDevelopers,
    settings.addChildren([
      settingsWorkspace,
      settingsAlerts,
      settingsAlertNew,
      settingsAlert,
      settingsMonitors,
      settingsMonitorNew,
      settingsMonitor,
      settingsKeys,
      settingsStorage,
      settingsStorageNew,
      settingsStorageEdit,
      settingsBiTools,
      settingsOrchestrators,
      settingsTunnels,
      settingsTunnelNew,
      settingsTunnel,
      settingsCredentials,
      settingsCredentialNew,
      settingsCredential,
    ]),
    workspaces,
    nowhere,
  ]),
])

/** The pages by their addresses. */
export function createAppRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree,
    context: { queryClient },
    defaultPreload: 'intent',
    defaultPendingComponent: LoadingPage,
    defaultPendingMs: 300,
    defaultErrorComponent: PageError,
    defaultNotFoundComponent: NotFoundPage,
    scrollRestoration: true,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}
