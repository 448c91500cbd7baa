// A server-side app behind Doorward: sign-in, UserInfo, renewal, sign-out and back-channel logout.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as openid from "openid-client";

const { ISSUER = "", CLIENT_ID = "", CLIENT_SECRET = "", ORIGIN = "http://localhost:3000" } = process.env;
const redirectUri = `${ORIGIN}/callback`;

const provider = await openid.discovery(
  new URL(ISSUER),
  CLIENT_ID,
  CLIENT_SECRET,
  openid.ClientSecretBasic(CLIENT_SECRET),
  {
    execute: [
      // Checks the ID token's signature too, though it comes from Doorward itself.
      openid.enableNonRepudiationChecks,
      // Only to try it out on one machine: plain http is refused otherwise.
      ...(ISSUER.startsWith("http://localhost:") ? [openid.allowInsecureRequests] : []),
    ],
  },
);
const metadata = provider.serverMetadata();
const keys = createRemoteJWKSet(new URL(metadata.jwks_uri ?? ""));

/**
 * @typedef {{ sub: string, sid: unknown, idToken: string, accessToken: string, refreshToken?: string }} Session
 * @typedef {import("node:http").IncomingMessage} Request
 * @typedef {import("node:http").ServerResponse} Response
 */

/** Sessions by cookie value. In memory: a real app uses a persistent store.
 * @type {Map<string, Session>} */
const sessions = new Map();

/** The app's data about users, by `sub`: names and email addresses change and can pass to another user.
 * @type {Map<string, { visits: number }>} */
const people = new Map();

/** Redirects the browser to Doorward. A cookie stores what the response must match. */
async function login(/** @type {Request} */ _request, /** @type {Response} */ response) {
  const verifier = openid.randomPKCECodeVerifier();
  const [state, nonce] = [openid.randomState(), openid.randomNonce()];
  const address = openid.buildAuthorizationUrl(provider, {
    redirect_uri: redirectUri,
    scope: "openid profile email",
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  });
  setCookie(response, "signing-in", [verifier, state, nonce].join("."), 600);
  redirect(response, address.href);
}

/** Handles the callback, and starts a session of the app under a new cookie. */
async function callback(/** @type {Request} */ request, /** @type {Response} */ response) {
  const [verifier = "", state = "", nonce = ""] = cookie(request, "signing-in").split(".");
  setCookie(response, "signing-in", "", 0);
  const tokens = await openid.authorizationCodeGrant(provider, new URL(request.url ?? "", ORIGIN), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
  });
  const claims = tokens.claims();
  if (!claims || !tokens.id_token) throw new Error("no ID token");
  const id = randomBytes(32).toString("base64url");
  sessions.set(id, {
    sub: claims.sub,
    sid: claims.sid,
    idToken: tokens.id_token,
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
  });
  people.set(claims.sub, { visits: (people.get(claims.sub)?.visits ?? 0) + 1 });
  setCookie(response, "app-session", id, 8 * 3600);
  redirect(response, "/me");
}

/** A page with the user's data. */
async function me(/** @type {Request} */ request, /** @type {Response} */ response) {
  const session = sessions.get(cookie(request, "app-session"));
  if (!session) return redirect(response, "/");
  const userInfo = await openid.fetchUserInfo(provider, session.accessToken, session.sub);
  show(
    response,
    `<dl>
      <dt>Name</dt><dd id="name">${escape(userInfo.name)}</dd>
      <dt>sub</dt><dd id="sub">${escape(session.sub)}</dd>
      <dt>Visits</dt><dd id="visits">${people.get(session.sub)?.visits}</dd>
      <dt>Access token, its end</dt><dd id="access-token">${escape(session.accessToken.slice(-8))}</dd>
    </dl>
    <form method="post" action="/refresh"><button>Renew</button></form>
    <form method="post" action="/logout"><button>Sign out</button></form>
    <pre id="userinfo">${escape(JSON.stringify(userInfo, null, 2))}</pre>`,
  );
}

/** Gets a new access token. A real app does so when the old one is about to end. */
async function refresh(/** @type {Request} */ request, /** @type {Response} */ response) {
  const session = sessions.get(cookie(request, "app-session"));
  if (!session?.refreshToken) return redirect(response, "/");
  const tokens = await openid.refreshTokenGrant(provider, session.refreshToken);
  session.accessToken = tokens.access_token;
  // Each refresh token is single-use: store the new one.
  session.refreshToken = tokens.refresh_token ?? session.refreshToken;
  redirect(response, "/me");
}

/** Ends the app's session, then Doorward's, which sends the browser back to the start. */
async function logout(/** @type {Request} */ request, /** @type {Response} */ response) {
  const id = cookie(request, "app-session");
  const session = sessions.get(id);
  sessions.delete(id);
  setCookie(response, "app-session", "", 0);
  if (!session) return redirect(response, "/");
  const address = openid.buildEndSessionUrl(provider, {
    id_token_hint: session.idToken,
    post_logout_redirect_uri: `${ORIGIN}/`,
  });
  redirect(response, address.href);
}

/** Back-channel logout (OpenID Connect Back-Channel Logout §2.6): a session was signed out or revoked. */
async function backchannelLogout(/** @type {Request} */ request, /** @type {Response} */ response) {
  response.setHeader("Cache-Control", "no-store");
  try {
    const token = new URLSearchParams(await body(request)).get("logout_token") ?? "";
    const { payload } = await jwtVerify(token, keys, {
      issuer: metadata.issuer,
      audience: CLIENT_ID,
      typ: "logout+jwt",
      requiredClaims: ["iat", "exp", "jti"],
    });
    const events = /** @type {Record<string, unknown>} */ (payload.events ?? {});
    // An ID token must not be accepted as a logout token.
    if (!("http://schemas.openid.net/event/backchannel-logout" in events) || "nonce" in payload) {
      throw new Error("not a logout token");
    }
    for (const [id, session] of sessions) {
      // With `sid` one session ends, without it all of the user's.
      if (payload.sid ? session.sid === payload.sid : payload.sub && session.sub === payload.sub) sessions.delete(id);
    }
    response.writeHead(200).end();
  } catch (error) {
    console.error("a logout token was refused:", error);
    response.writeHead(400).end();
  }
}

function home(/** @type {Request} */ request, /** @type {Response} */ response) {
  if (sessions.has(cookie(request, "app-session"))) return redirect(response, "/me");
  show(response, `<p>You are signed out.</p><a href="/login">Sign in</a>`);
}

/** @type {Record<string, (request: Request, response: Response) => unknown>} */
const routes = {
  "GET /": home,
  "GET /login": login,
  "GET /callback": callback,
  "GET /me": me,
  // POST, so that no link or picture on another site can do it: the cookie is SameSite=Lax.
  "POST /refresh": refresh,
  "POST /logout": logout,
  "POST /backchannel-logout": backchannelLogout,
};

const server = createServer(async (request, response) => {
  const route = routes[`${request.method} ${new URL(request.url ?? "/", ORIGIN).pathname}`];
  try {
    if (route) await route(request, response);
    else response.writeHead(404).end();
  } catch (error) {
    // A revoked session or passkey: the refresh token and the access token are refused.
    const isRevoked =
      (error instanceof openid.ResponseBodyError && error.error === "invalid_grant") ||
      (error instanceof openid.WWWAuthenticateChallengeError && error.status === 401);
    if (isRevoked) {
      sessions.delete(cookie(request, "app-session"));
      return redirect(response, "/");
    }
    console.error(error);
    response.statusCode = 500;
    show(response, `<p>That did not work.</p><a href="/login">Sign in</a>`);
  }
});

server.listen(Number(new URL(ORIGIN).port), "127.0.0.1", () => console.log(`listening on ${ORIGIN}`));

// What a web framework does.

function redirect(/** @type {Response} */ response, /** @type {string} */ location) {
  response.writeHead(303, { Location: location }).end();
}

function show(/** @type {Response} */ response, /** @type {string} */ html) {
  response.setHeader("Content-Type", "text/html; charset=utf-8");
  response.setHeader("Cache-Control", "no-store");
  response.end(`<!doctype html><html lang="en"><title>Server-side app</title><h1>Server-side app</h1>${html}`);
}

function escape(/** @type {unknown} */ text) {
  return String(text ?? "").replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** @returns {string} */
function cookie(/** @type {Request} */ request, /** @type {string} */ name) {
  const pairs = (request.headers.cookie ?? "").split("; ").map((pair) => pair.split("="));
  return pairs.find(([key]) => key === name)?.[1] ?? "";
}

function setCookie(
  /** @type {Response} */ response,
  /** @type {string} */ name,
  /** @type {string} */ value,
  /** @type {number} */ seconds,
) {
  const secure = ORIGIN.startsWith("https:") ? "; Secure" : "";
  response.appendHeader("Set-Cookie", `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`);
}

async function body(/** @type {Request} */ request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 10_000) throw new Error("too long");
  }
  return text;
}
