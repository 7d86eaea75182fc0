/** One request, complete: nothing is added but accept-encoding and user-agent. */
export interface HttpRequest {
  method: 'GET' | 'POST'
  /** absolute */
  url: string
  /** lower-case names */
  headers: Record<string, string>
  body?: string
  /** until the first byte of the answer, and between its parts */
  timeoutMs: number
  /** decoded */
  maxBodyBytes: number
  signal: AbortSignal
}

export interface HttpResponse {
  status: number
  /** lower-case names, repeated ones joined by a comma; no prototype */
  headers: Record<string, string>
  /** decoded */
  body: Uint8Array
  /** where it came from after redirects */
  url: string
}

/**
 * The one place that talks HTTP to sources. Any status is an answer; what gives none throws a DerrickError
 * (network, or transform for bodies that cannot be accepted). When `signal` aborts, its reason is thrown.
 */
export interface HttpClient {
  send(request: HttpRequest): Promise<HttpResponse>
}
