"""An app behind Doorward, with Authlib and Flask: sign-in, UserInfo, renewal, sign-out."""

import os
import secrets
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, render_template_string, session

ORIGIN = os.environ.get("ORIGIN", "http://localhost:3000")

app = Flask(__name__)
# All workers need the same key; a new key at each start interrupts sign-ins in progress.
app.secret_key = os.environ.get("APP_SECRET_KEY") or secrets.token_bytes(32)
app.config.update(
    # A name of its own: cookies ignore ports, and other apps on localhost may be Flask apps too.
    SESSION_COOKIE_NAME="app-session",
    SESSION_COOKIE_SAMESITE="Lax",
    SESSION_COOKIE_SECURE=ORIGIN.startswith("https:"),
)

oauth = OAuth(app)
oauth.register(
    "doorward",
    server_metadata_url=f"{os.environ['ISSUER']}/.well-known/openid-configuration",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    client_kwargs={
        "scope": "openid profile email",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "client_secret_basic",
    },
)

# Tokens by session ID. Flask's session is a cookie that the user can read, so tokens don't belong
# there. In memory: a real app uses a persistent store.
tokens = {}


@app.get("/")
def home():
    if session.get("id") in tokens:
        return redirect("/me")
    return render_template_string("""<p>You are signed out.</p><a href="/login">Sign in</a>""")


@app.get("/login")
def login():
    return oauth.doorward.authorize_redirect(f"{ORIGIN}/callback")


@app.get("/callback")
def callback():
    # Checks state, nonce, PKCE and the ID token's signature; its claims are in `userinfo`.
    token = oauth.doorward.authorize_access_token()
    session.clear()
    session["id"] = secrets.token_urlsafe(32)
    # Use `sub` as the key for user data: names and email addresses change and can pass to another user.
    session["sub"] = token["userinfo"]["sub"]
    tokens[session["id"]] = token
    return redirect("/me")


@app.get("/me")
def me():
    token = tokens.get(session.get("id"))
    if token is None:
        return redirect("/")
    userinfo = oauth.doorward.userinfo(token=token)
    if userinfo["sub"] != session["sub"]:
        raise ValueError("UserInfo is about another user")
    return render_template_string(
        """<dl>
          <dt>Name</dt><dd id="name">{{ userinfo.name }}</dd>
          <dt>sub</dt><dd id="sub">{{ sub }}</dd>
          <dt>Access token, its end</dt><dd id="access-token">{{ token.access_token[-8:] }}</dd>
        </dl>
        <form method="post" action="/refresh"><button>Renew</button></form>
        <form method="post" action="/logout"><button>Sign out</button></form>
        <pre id="userinfo">{{ userinfo | tojson }}</pre>""",
        sub=session["sub"],
        token=token,
        userinfo=userinfo,
    )


@app.post("/refresh")
def refresh():
    token = tokens.get(session.get("id"))
    if token is None:
        return redirect("/")
    new = oauth.doorward.fetch_access_token(grant_type="refresh_token", refresh_token=token["refresh_token"])
    # Each refresh token is single-use: the new one replaces it.
    token.update(new)
    return redirect("/me")


@app.post("/logout")
def logout():
    token = tokens.pop(session.get("id"), None)
    session.clear()
    if token is None:
        return redirect("/")
    return oauth.doorward.logout_redirect(
        post_logout_redirect_uri=f"{ORIGIN}/signed-out", id_token_hint=token["id_token"]
    )


@app.get("/signed-out")
def signed_out():
    oauth.doorward.validate_logout_response()
    return redirect("/")


@app.errorhandler(OAuthError)
@app.errorhandler(requests.HTTPError)
def refused(error):
    """A revoked session or passkey: the refresh token and the access token are refused."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if getattr(error, "error", None) == "invalid_grant" or status == 401:
        tokens.pop(session.get("id"), None)
        session.clear()
        return redirect("/")
    app.logger.error("Doorward refused: %s", error)
    return render_template_string("""<p>That did not work.</p><a href="/login">Sign in</a>"""), 500


if __name__ == "__main__":
    print(f"listening on {ORIGIN}", flush=True)
    # To try it out; in production a WSGI server does this.
    app.run(host="127.0.0.1", port=urlsplit(ORIGIN).port)
