// A page that signs users in at Doorward by redirect. It is a public client: it has no secret, and
// PKCE, which oidc-client-ts always uses, binds the code to this browser.
import { ErrorResponse, UserManager } from "oidc-client-ts";

const settings = await (await fetch("/settings.json")).json();

const manager = new UserManager({
  authority: settings.issuer,
  client_id: settings.client_id,
  redirect_uri: `${location.origin}/callback`,
  post_logout_redirect_uri: `${location.origin}/`,
  scope: "openid profile email",
  // Name and address come from UserInfo; the ID token alone has little more than `sub`.
  loadUserInfo: true,
  // With the refresh token, a minute before the access token ends.
  automaticSilentRenew: true,
});

const element = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Shows the signed-in user, if there is one. */
async function show() {
  const user = await manager.getUser();
  element("signed-in").hidden = !user;
  element("signed-out").hidden = Boolean(user);
  if (user) {
    // Use `sub` as the key for user data: names and email addresses change and can pass to another user.
    element("sub").textContent = user.profile.sub;
    element("name").textContent = user.profile.name ?? "";
    element("access-token").textContent = user.access_token.slice(-8);
  }
}

/** Runs an action and shows its outcome. */
async function attempt(/** @type {() => Promise<unknown>} */ work) {
  element("message").textContent = "…";
  try {
    await work();
    element("message").textContent = "Done.";
  } catch (error) {
    const code = error instanceof ErrorResponse ? error.error : null;
    element("message").textContent = code ?? String(error);
    // The session or the passkey was revoked: this page's tokens are no longer valid.
    if (code === "invalid_grant") await manager.removeUser();
  }
  await show();
}

async function askUserInfo() {
  const user = await manager.getUser();
  const address = await manager.metadataService.getUserInfoEndpoint();
  const answer = await fetch(address, { headers: { Authorization: `Bearer ${user?.access_token}` } });
  if (!answer.ok) throw new Error(`UserInfo answered ${answer.status}`);
  element("userinfo").textContent = JSON.stringify(await answer.json(), null, 2);
}

element("sign-in").onclick = () => attempt(() => manager.signinRedirect());
element("ask-userinfo").onclick = () => attempt(askUserInfo);
// With the refresh token; without one oidc-client-ts tries an iframe.
element("renew").onclick = () => attempt(() => manager.signinSilent());
// The older method works only if this page and Doorward are on one site (app.example.com and id.example.com).
element("renew-in-iframe").onclick = () => attempt(() => manager.signinSilent({ forceIframeAuth: true }));
// With the ID token as a hint, so that Doorward need not ask.
element("sign-out").onclick = () => attempt(() => manager.signoutRedirect());

manager.events.addUserLoaded(show);
manager.events.addUserUnloaded(show);

if (location.pathname === "/callback") {
  // In the iframe the same page passes the response to the surrounding page and does nothing else.
  await attempt(() => manager.signinCallback());
  if (window === window.top) history.replaceState(null, "", "/");
} else {
  await show();
}

export {};
