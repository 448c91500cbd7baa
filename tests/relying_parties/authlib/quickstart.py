"""The Flask example of Authlib's documentation, with a page that shows what it learned."""

import os
import secrets

from authlib.integrations.flask_client import OAuth
from flask import Flask, redirect, session, url_for

app = Flask(__name__)
app.secret_key = secrets.token_bytes(32)
oauth = OAuth(app)
oauth.register(
    name="doorward",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=f"{os.environ['ISSUER']}/.well-known/openid-configuration",
    client_kwargs={"scope": "openid email profile"},
)


@app.get("/login")
def login():
    return oauth.doorward.authorize_redirect(url_for("auth", _external=True))


@app.get("/auth")
def auth():
    token = oauth.doorward.authorize_access_token()
    session["user"] = {"claims": token["userinfo"], "userinfo": oauth.doorward.userinfo(token=token)}
    return redirect("/me")


@app.get("/me")
def me():
    return session.get("user") or {}


app.run(host="127.0.0.1", port=int(os.environ["PORT"]))
