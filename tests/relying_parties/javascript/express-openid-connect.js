// express-openid-connect with the settings that `doorward client create --for express-openid-connect` prints.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import express from "express";
import { ORIGIN, listen } from "./app.js";

const app = express();
new Function("require", "app", readFileSync(process.env.SETTINGS, "utf8"))(createRequire(import.meta.url), app);

async function show({ oidc }, response) {
  const userinfo = await oidc.fetchUserInfo();
  response.json({ claims: oidc.idTokenClaims, userinfo, accessToken: oidc.accessToken.access_token });
}

app.get("/", (request, response, next) => show(request, response).catch(next));
app.get("/renew", async (request, response, next) => {
  try {
    await request.oidc.accessToken.refresh();
    await show(request, response);
  } catch (error) {
    next(error);
  }
});

listen(app);
