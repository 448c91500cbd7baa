"""A service without accounts and access rules: Doorward says who the user is and what they may do."""

import os
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Annotated
from urllib.parse import quote

import httpx
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse

# RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
credentials = tuple(quote(os.environ[name], safe="") for name in ("CLIENT_ID", "CLIENT_SECRET"))
# Ignores proxies from the environment, and keeps no cookies between users' requests.
no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
doorward = httpx.AsyncClient(base_url=os.environ["DOORWARD"], timeout=5, trust_env=False, cookies=no_cookies)

app = FastAPI()


async def signed_in(request: Request) -> dict:
    """Returns the session of this browser: only the request's cookie is forwarded."""
    answer = await doorward.get("/v1/session", headers={"Cookie": request.headers.get("cookie", "")})
    if answer.status_code == 401:
        raise HTTPException(401, "signed out")
    return answer.raise_for_status().json()


def allowed(action: str):
    """Passes a request only with permission for `action` on the order in its path. Only `True` is yes."""

    async def ask(order: str, who: Annotated[dict, Depends(signed_in)]) -> dict:
        question = {
            "subject": {"type": "user", "id": who["user"]["id"]},
            "action": {"name": action},
            "resource": {"type": "order", "id": order},
            # With the session, policies see how and when the user signed in.
            "context": {"session": who["session"]["id"]},
        }
        answer = await doorward.post("/access/v1/evaluation", json=question, auth=credentials)
        answer = answer.raise_for_status().json()
        if answer["decision"] is not True:
            raise HTTPException(403, {"error": "not allowed", "context": answer.get("context")})
        return who["user"]

    return ask


@app.get("/orders/{order}")
async def view_order(order: str, user: Annotated[dict, Depends(allowed("view"))]):
    return {"order": order, "viewer": user["username"]}


@app.exception_handler(httpx.HTTPError)
async def no_answer(_: Request, error: httpx.HTTPError):
    """No answer from Doorward means no."""
    return JSONResponse({"error": "authorization is unavailable"}, 503)
