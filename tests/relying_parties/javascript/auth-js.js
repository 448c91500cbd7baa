// Auth.js with Express, and the provider that `doorward client create --for authjs` prints.
import { readFileSync } from "node:fs";
import { ExpressAuth, getSession } from "@auth/express";
import express from "express";
import { listen } from "./app.js";

const { providers } = new Function(`return {${readFileSync(process.env.SETTINGS, "utf8")}}`)();
const config = { providers };

const app = express();
app.use("/auth/*", ExpressAuth(config));
app.get("/me", async (request, response, next) => {
  try {
    response.json(await getSession(request, config));
  } catch (error) {
    next(error);
  }
});

listen(app);
