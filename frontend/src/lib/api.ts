/** The one way pages talk to the server: JSON in and out, one error type, CSRF header, ETags, server-sent events. */
import type { Job, Me, Problem } from "./types";

export const ROOT = "/api/v1";

/** What the server said when it did not do what was asked (application/problem+json). */
export class ApiError extends Error {
  readonly status: number;
  readonly title: string;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.name = "ApiError";
    this.status = problem.status;
    this.title = problem.title;
    this.problem = problem;
  }

  /** The server could not be reached at all. */
  get offline(): boolean {
    return this.status === 0;
  }
}

export interface Entity<T> {
  value: T;
  etag: string | null;
}

interface Options {
  ifMatch?: string;
  idempotencyKey?: string;
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

let csrf = "";

/** Remember the token that unsafe requests carry; GET /me gives it. */
export function useCsrf(me: Me): Me {
  csrf = me.csrf;
  return me;
}

function url(path: string): string {
  return path.startsWith("/") ? (path.startsWith("/api/") || path.startsWith("/ogc") ? path : ROOT + path) : path;
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback: Problem = {
    type: "about:blank",
    title: response.statusText || "Error",
    status: response.status,
    detail: `${response.status} ${response.statusText}`.trim(),
  };
  try {
    const body: unknown = await response.json();
    return body && typeof body === "object" ? { ...fallback, ...body, status: response.status } : fallback;
  } catch {
    return fallback;
  }
}

async function request(method: string, path: string, body: unknown, options: Options): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...options.headers };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (options.ifMatch) headers["If-Match"] = options.ifMatch;
  if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
  let response: Response;
  try {
    response = await fetch(url(path), {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal: options.signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError({ type: "about:blank", title: "offline", status: 0, detail: "" });
  }
  if (!response.ok) throw new ApiError(await problemOf(response));
  return response;
}

async function value<T>(response: Response): Promise<T> {
  return (response.status === 204 ? undefined : await response.json()) as T;
}

export async function get<T>(path: string, options: Options = {}): Promise<T> {
  return value<T>(await request("GET", path, undefined, options));
}

/** GET with the ETag that a later PUT or DELETE must match. */
export async function getEntity<T>(path: string, options: Options = {}): Promise<Entity<T>> {
  const response = await request("GET", path, undefined, options);
  return { value: await value<T>(response), etag: response.headers.get("ETag") };
}

/** POST, PUT or DELETE; the answer with its ETag. A forgotten session is asked for once more. */
export async function send<T>(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  body?: unknown,
  options: Options = {},
): Promise<Entity<T>> {
  if (!csrf) useCsrf(await get<Me>("/me"));
  let response: Response;
  try {
    response = await request(method, path, body, options);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 403) throw error;
    const before = csrf;
    useCsrf(await get<Me>("/me"));
    if (csrf === before) throw error;
    response = await request(method, path, body, options);
  }
  return { value: await value<T>(response), etag: response.headers.get("ETag") };
}

export async function post<T>(path: string, body?: unknown, options: Options = {}): Promise<T> {
  return (await send<T>("POST", path, body, options)).value;
}

const ENDED = new Set(["done", "failed", "cancelled"]);

export const hasEnded = (job: Job): boolean => ENDED.has(job.status);

/**
 * Follow a job until it ends. EventSource reconnects by itself after a lost connection (with Last-Event-ID); where the
 * server refuses the stream, the job is asked for once a second instead.
 */
export function followJob(id: string, told: (job: Job) => void, failed?: (error: unknown) => void): () => void {
  let stopped = false;
  let timer = 0;
  const source = new EventSource(url(`/jobs/${id}/events`), { withCredentials: true });
  const stop = () => {
    stopped = true;
    source.close();
    clearTimeout(timer);
  };
  const tell = (job: Job) => {
    if (stopped) return;
    if (hasEnded(job)) stop();
    told(job);
  };
  const poll = async () => {
    if (stopped) return;
    try {
      tell(await get<Job>(`/jobs/${id}`));
    } catch (error) {
      if (error instanceof ApiError && !error.offline && error.status < 500) {
        stop();
        failed?.(error);
        return;
      }
    }
    if (!stopped) timer = window.setTimeout(poll, 1000);
  };
  source.addEventListener("job", (event) => tell(JSON.parse((event as MessageEvent<string>).data) as Job));
  source.addEventListener("error", () => {
    if (!stopped && source.readyState === EventSource.CLOSED) {
      clearTimeout(timer);
      timer = window.setTimeout(poll, 500);
    }
  });
  return stop;
}
