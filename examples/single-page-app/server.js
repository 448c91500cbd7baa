// Serves the page. Any web server will do: nothing here is about sign-in.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const { ISSUER, CLIENT_ID, PORT = "3000" } = process.env;

/** @type {Record<string, { type: string, path: URL }>} */
const files = {
  "/": { type: "text/html", path: new URL("index.html", import.meta.url) },
  "/callback": { type: "text/html", path: new URL("index.html", import.meta.url) },
  "/app.js": { type: "text/javascript", path: new URL("app.js", import.meta.url) },
  "/lib/oidc-client-ts.js": { type: "text/javascript", path: new URL(import.meta.resolve("oidc-client-ts")) },
  "/lib/jwt-decode.js": { type: "text/javascript", path: new URL(import.meta.resolve("jwt-decode")) },
};
const settings = JSON.stringify({ issuer: ISSUER, client_id: CLIENT_ID });

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? "/", "http://localhost");
  const file = files[pathname];
  // Only its own origin may frame the page, which renewing in an iframe needs.
  response.setHeader("Content-Security-Policy", "frame-ancestors 'self'");
  response.setHeader("Referrer-Policy", "no-referrer");
  if (pathname === "/settings.json") {
    response.setHeader("Content-Type", "application/json").end(settings);
  } else if (file) {
    response.setHeader("Content-Type", `${file.type}; charset=utf-8`).end(await readFile(file.path));
  } else {
    response.writeHead(404).end();
  }
});

server.listen(Number(PORT), "127.0.0.1", () => console.log(`listening on http://localhost:${PORT}`));
