// An MCP server that Doorward protects, and an MCP client that signs a user in to call it, both with the official SDK.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { UnauthorizedError, auth, discoverAuthorizationServerMetadata } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from "@modelcontextprotocol/sdk/server/auth/router.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import express from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";
import { CLIENT_ID, ISSUER, ORIGIN, listen, redirectUri } from "./app.js";

const resource = new URL(`${ORIGIN}/mcp`);
const app = express();

// The server: it names Doorward in its metadata (RFC 9728), and takes only tokens that are for itself.

const oauthMetadata = await discoverAuthorizationServerMetadata(ISSUER);
const keys = createRemoteJWKSet(new URL(oauthMetadata.jwks_uri));

async function verifyAccessToken(token) {
  try {
    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: resource.href, typ: "at+jwt" });
    const { sub, client_id: clientId, scope = "", exp: expiresAt } = payload;
    return { token, clientId, scopes: scope.split(" "), expiresAt, resource, extra: { sub } };
  } catch (error) {
    throw new InvalidTokenError(error.message);
  }
}

app.use(mcpAuthMetadataRouter({ oauthMetadata, resourceServerUrl: resource }));
app.post(
  "/mcp",
  requireBearerAuth({
    verifier: { verifyAccessToken },
    resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
    expectedResource: resource,
  }),
  async (request, response) => {
    const server = new McpServer({ name: "who", version: "1.0.0" });
    server.registerTool("whoami", { description: "Says who calls" }, ({ authInfo }) => ({
      content: [{ type: "text", text: authInfo.extra.sub }],
    }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await server.connect(transport);
    await transport.handleRequest(request, response);
  },
);

// The client, registered beforehand.

const state = {};
const provider = {
  redirectUrl: redirectUri,
  clientMetadata: { client_name: "MCP client", redirect_uris: [redirectUri] },
  clientInformation: () => state.client ?? { client_id: CLIENT_ID },
  saveClientInformation: (client) => (state.client = client),
  tokens: () => state.tokens,
  saveTokens: (tokens) => (state.tokens = tokens),
  codeVerifier: () => state.codeVerifier,
  saveCodeVerifier: (codeVerifier) => (state.codeVerifier = codeVerifier),
  redirectToAuthorization: (url) => (state.authorizationUrl = url),
};

async function call(transport) {
  const client = new Client({ name: "mcp-client", version: "1.0.0" });
  await client.connect(transport);
  const result = await client.callTool({ name: "whoami", arguments: {} });
  await client.close();
  return { caller: result.content[0].text, ...state.tokens };
}

const transport = () => new StreamableHTTPClientTransport(resource, { authProvider: provider });
const route = (handler) => (request, response, next) => handler(request, response).catch(next);
app.get("/me", (_request, response) => response.json(state.tokens ?? null));
app.get("/login", route(async (_request, response) => {
  try {
    response.json(await call(transport()));
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error;
    response.redirect(state.authorizationUrl.href);
  }
}));
app.get("/callback", route(async ({ query }, response) => {
  await transport().finishAuth(query.code);
  response.json(await call(transport()));
}));
app.get("/renew", route(async (_request, response) => {
  await auth(provider, { serverUrl: resource });
  response.json(await call(transport()));
}));

listen(app);
