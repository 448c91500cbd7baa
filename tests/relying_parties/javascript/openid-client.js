// As the README of openid-client: the secret is a string, which the library sends by its default method.
import * as client from "openid-client";
import { CLIENT_ID, CLIENT_SECRET, ISSUER, ORIGIN, redirectUri, serve } from "./app.js";

const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, {
  // Plain HTTP is refused otherwise.
  execute: [client.allowInsecureRequests],
});

async function login() {
  const verifier = client.randomPKCECodeVerifier();
  const parameters = {
    redirect_uri: redirectUri,
    scope: "openid profile email groups",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  const state = config.serverMetadata().supportsPKCE() ? undefined : client.randomState();
  if (state) parameters.state = state;
  return { url: client.buildAuthorizationUrl(config, parameters).href, verifier, state };
}

async function callback(url, { verifier, state }) {
  const tokens = await client.authorizationCodeGrant(config, url, { pkceCodeVerifier: verifier, expectedState: state });
  return read(tokens, tokens.claims(), tokens.id_token);
}

async function read(tokens, claims, idToken) {
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  return { claims, userinfo, accessToken: tokens.access_token, refreshToken: tokens.refresh_token, idToken };
}

async function renew({ claims, refreshToken, idToken }) {
  return read(await client.refreshTokenGrant(config, refreshToken), claims, idToken);
}

async function signOut({ idToken }) {
  return client.buildEndSessionUrl(config, {
    id_token_hint: idToken,
    post_logout_redirect_uri: `${ORIGIN}/me`,
  }).href;
}

serve({ login, callback, renew, signOut });
