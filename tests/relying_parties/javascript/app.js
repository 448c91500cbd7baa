// A server-side app with sessions of its own, for libraries that leave those to the app.
import { randomUUID } from "node:crypto";
import express from "express";

export const { ISSUER, CLIENT_ID, CLIENT_SECRET, ORIGIN } = process.env;
export const redirectUri = `${ORIGIN}/callback`;

/** Listens at ORIGIN. */
export function listen(app) {
  app.listen(Number(new URL(ORIGIN).port), "127.0.0.1", () => console.log(`listening on ${ORIGIN}`));
}

/**
 * Serves the app. `login` returns the URL to redirect to and what the callback needs, `callback` the user, `renew` the
 * user with new tokens, `signOut` the URL to redirect to.
 */
export function serve({ login, callback, renew, signOut }) {
  const app = express();
  const sessions = new Map();
  app.use((request, response, next) => {
    const known = /app-session=([^;]*)/.exec(request.headers.cookie ?? "")?.[1];
    const id = sessions.has(known) ? known : randomUUID();
    if (id !== known) response.cookie("app-session", id, { httpOnly: true, sameSite: "lax" });
    if (!sessions.has(id)) sessions.set(id, {});
    request.session = sessions.get(id);
    next();
  });
  const route = (handler) => (request, response, next) => handler(request, response).catch(next);
  app.get("/login", route(async ({ session }, response) => {
    const { url, ...pending } = await login();
    session.pending = pending;
    response.redirect(url);
  }));
  app.get("/callback", route(async ({ session, originalUrl }, response) => {
    session.user = await callback(new URL(originalUrl, ORIGIN), session.pending);
    response.redirect("/me");
  }));
  app.get("/me", route(async ({ session }, response) => response.json(session.user ?? null)));
  app.get("/renew", route(async ({ session }, response) => {
    session.user = await renew(session.user);
    response.redirect("/me");
  }));
  app.get("/logout", route(async ({ session }, response) => {
    const url = await signOut(session.user);
    delete session.user;
    response.redirect(url);
  }));
  listen(app);
}
