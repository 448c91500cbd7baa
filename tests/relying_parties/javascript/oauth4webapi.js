// As examples/oidc.ts of oauth4webapi, with a refresh token and RP-initiated logout.
import * as oauth from "oauth4webapi";
import { CLIENT_ID, CLIENT_SECRET, ISSUER, ORIGIN, redirectUri, serve } from "./app.js";

const issuer = new URL(ISSUER);
// Plain HTTP is refused otherwise.
const options = { [oauth.allowInsecureRequests]: true };
const as = await oauth
  .discoveryRequest(issuer, options)
  .then((response) => oauth.processDiscoveryResponse(issuer, response));
const client = { client_id: CLIENT_ID };
const authentication = oauth.ClientSecretPost(CLIENT_SECRET);

async function login() {
  const verifier = oauth.generateRandomCodeVerifier();
  const url = new URL(as.authorization_endpoint);
  url.searchParams.set("client_id", client.client_id);
  url.searchParams.set("redirect_uri", redirectUri);
  url.searchParams.set("response_type", "code");
  url.searchParams.set("scope", "openid profile email groups");
  url.searchParams.set("code_challenge", await oauth.calculatePKCECodeChallenge(verifier));
  url.searchParams.set("code_challenge_method", "S256");
  // The library's example sends a nonce where the metadata does not promise PKCE.
  const nonce = as.code_challenge_methods_supported?.includes("S256") ? undefined : oauth.generateRandomNonce();
  if (nonce) url.searchParams.set("nonce", nonce);
  return { url: url.href, verifier, nonce };
}

async function callback(url, { verifier, nonce }) {
  const parameters = oauth.validateAuthResponse(as, client, url);
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, authentication, parameters, redirectUri, verifier, options,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, response, options);
  return read(tokens, oauth.getValidatedIdTokenClaims(tokens), tokens.id_token);
}

async function read(tokens, claims, idToken) {
  const response = await oauth.userInfoRequest(as, client, tokens.access_token, options);
  const userinfo = await oauth.processUserInfoResponse(as, client, claims.sub, response);
  return { claims, userinfo, accessToken: tokens.access_token, refreshToken: tokens.refresh_token, idToken };
}

async function renew({ claims, refreshToken, idToken }) {
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, refreshToken, options);
  return read(await oauth.processRefreshTokenResponse(as, client, response), claims, idToken);
}

async function signOut({ idToken }) {
  const url = new URL(as.end_session_endpoint);
  url.searchParams.set("id_token_hint", idToken);
  url.searchParams.set("post_logout_redirect_uri", `${ORIGIN}/me`);
  return url.href;
}

serve({ login, callback, renew, signOut });
