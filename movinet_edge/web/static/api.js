// Requests to the daemon: the session, what is looked up, and commands with the session's token.

let session = null;

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export async function openSession() {
  session = await request("/api/session");
  return session;
}

export const mayControl = () => session?.role === "control";

export const get = (path) => request(path);

export async function post(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": session?.csrf ?? "" };
  return request(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Refused(0, "The daemon does not answer.");
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, body.error ?? `The daemon answers ${response.status}.`);
  return body;
}
