// A service without accounts and access rules: Doorward says who the user is and what they may do.
import express from "express";

const { DOORWARD = "", CLIENT_ID = "", CLIENT_SECRET = "", PORT = "3000" } = process.env;
// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
const credentials = [CLIENT_ID, CLIENT_SECRET].map(encodeURIComponent).join(":");
const authorization = `Basic ${Buffer.from(credentials).toString("base64")}`;

/** Doorward's answer to one call; any other status than success and 401 is an error. */
async function ask(/** @type {string} */ path, /** @type {RequestInit} */ request) {
  const answer = await fetch(`${DOORWARD}${path}`, { ...request, redirect: "error", signal: AbortSignal.timeout(5_000) });
  if (answer.status === 401 && path === "/v1/session") return undefined;
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** Returns the session of this browser: only the request's cookie is forwarded. */
function session(/** @type {express.Request} */ request) {
  return ask("/v1/session", { headers: { cookie: request.headers.cookie ?? "" } });
}

/** Whether this user may do `action` on this order. Only `true` is yes. */
async function decide(/** @type {any} */ who, /** @type {string} */ action, /** @type {string} */ order) {
  const question = {
    subject: { type: "user", id: who.user.id },
    action: { name: action },
    resource: { type: "order", id: order },
    // With the session, policies see how and when the user signed in.
    context: { session: who.session.id },
  };
  const headers = { authorization, "content-type": "application/json" };
  return ask("/access/v1/evaluation", { method: "POST", headers, body: JSON.stringify(question) });
}

/** Passes a request only with permission for `action` on the order in its path.
 * @returns {express.RequestHandler<{ id: string }>} */
function allow(/** @type {string} */ action) {
  return async (request, response, next) => {
    const who = await session(request);
    if (!who) return void response.status(401).json({ error: "signed out" });
    const answer = await decide(who, action, request.params.id);
    if (answer.decision !== true) return void response.status(403).json({ error: "not allowed", context: answer.context });
    response.locals.user = who.user;
    next();
  };
}

const app = express();
app.disable("x-powered-by");

app.get("/orders/:id", allow("view"), (request, response) => {
  response.json({ order: request.params.id, viewer: response.locals.user.username });
});

// No answer from Doorward means no.
app.use((/** @type {Error} */ error, /** @type {express.Request} */ _, /** @type {express.Response} */ response, /** @type {express.NextFunction} */ _next) => {
  console.error(error.message);
  response.status(503).json({ error: "authorization is unavailable" });
});

app.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on ${PORT}`));
