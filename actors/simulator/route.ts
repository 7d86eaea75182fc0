/** How each stream is served: path, sign-in, window filter, paging. All of it can be set per stream. */
import { type StreamName, streamNames } from './shop.ts'

export type PagingStyle = 'token' | 'next_url' | 'link' | 'page' | 'offset'
export type SignIn = 'bearer' | 'api_key' | 'basic' | 'any' | 'none'
export type TimeFormat = 'iso' | 'iso_ms' | 'epoch' | 'epoch_ms'
export type Edge = 'inclusive' | 'exclusive'

export interface WindowFilter {
  /** parameter names; null where the API has no such filter */
  start: string | null
  end: string | null
  startIs: Edge
  endIs: Edge
  format: TimeFormat
}

export interface Route {
  path: string
  signIn: SignIn
  paging: PagingStyle
  /** field of the body that holds the records; '' = the body is the array */
  recordsAt: string
  /** parameter that sets the page size */
  sizeParam: string
  window: WindowFilter | null
  order: 'asc' | 'desc'
}

export type Routes = Record<StreamName, Route>
export type RouteOptions = Partial<Record<StreamName, Partial<Route>>>

const defaults: Routes = {
  orders: {
    path: '/v1/orders',
    signIn: 'bearer',
    paging: 'token',
    recordsAt: 'orders',
    sizeParam: 'limit',
    window: {
      start: 'updated_at_min',
      end: 'updated_at_max',
      startIs: 'inclusive',
      endIs: 'exclusive',
      format: 'iso_ms',
    },
    order: 'asc',
  },
  events: {
    path: '/v1/events',
    signIn: 'bearer',
    paging: 'next_url',
    recordsAt: 'data',
    sizeParam: 'limit',
    window: {
      start: 'since',
      end: 'until',
      startIs: 'inclusive',
      endIs: 'inclusive',
      format: 'epoch',
    },
    order: 'desc',
  },
  customers: {
    path: '/v1/customers',
    signIn: 'api_key',
    paging: 'page',
    recordsAt: 'results',
    sizeParam: 'per_page',
    window: {
      start: 'modified_after',
      end: 'modified_before',
      startIs: 'exclusive',
      endIs: 'exclusive',
      format: 'iso',
    },
    order: 'asc',
  },
  products: {
    path: '/v1/products',
    signIn: 'basic',
    paging: 'offset',
    recordsAt: 'items',
    sizeParam: 'limit',
    window: null,
    order: 'asc',
  },
  refunds: {
    path: '/v1/refunds',
    signIn: 'bearer',
    paging: 'link',
    recordsAt: '',
    sizeParam: 'limit',
    window: {
      start: 'created_from',
      end: null,
      startIs: 'inclusive',
      endIs: 'exclusive',
      format: 'iso_ms',
    },
    order: 'asc',
  },
}

/** The routes with the caller's changes; throws a RangeError for a combination that cannot be served. */
export function openRoutes(options: RouteOptions = {}): Routes {
  const routes = { ...defaults }
  for (const name of streamNames) {
    const route = { ...defaults[name], ...options[name] }
    if (!route.path.startsWith('/') || route.path.startsWith('/_control')) {
      throw new RangeError(`routes.${name}.path: a path outside /_control is needed`)
    }
    if (route.recordsAt === '' && route.paging !== 'link') {
      throw new RangeError(`routes.${name}.recordsAt: only link paging can do without a body`)
    }
    if (name === 'products' && route.window !== null) {
      throw new RangeError('routes.products.window: products cannot be filtered by time')
    }
    routes[name] = route
  }
  return routes
}
