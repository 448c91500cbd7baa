//! An app behind Doorward: sign-in, UserInfo, renewal, sign-out. Sequential requests, sessions in memory.

mod doorward;

use std::collections::HashMap;
use std::env;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use openidconnect::CsrfToken;
use openidconnect::url::Url;
use tiny_http::{Header, Method, Request, Response, Server};

use doorward::{Doorward, Pending, Session, Settings};

/// Doorward's keys may be kept for ten minutes, as the answer's Cache-Control says; then there may be a new one.
const KEYS_TTL: Duration = Duration::from_secs(600);

/// Status, headers and body.
type Answer = (u16, Vec<(&'static str, String)>, String);

fn main() -> Result<()> {
    let variable = |name: &str| env::var(name).with_context(|| name.to_owned());
    let origin = env::var("ORIGIN").unwrap_or_else(|_| "http://localhost:3000".to_owned());
    let settings = Settings {
        issuer: variable("ISSUER")?,
        client_id: variable("CLIENT_ID")?,
        client_secret: variable("CLIENT_SECRET")?,
        origin: origin.clone(),
    };
    let port = Url::parse(&origin)?.port().context("a port in ORIGIN")?;
    let server = Server::http(("127.0.0.1", port)).map_err(|error| anyhow!(error))?;
    let mut app = App {
        doorward: Doorward::discover(&settings)?,
        discovered_at: Instant::now(),
        settings,
        sessions: HashMap::new(),
        origin: Url::parse(&origin)?,
    };
    println!("listening on {origin}");
    for request in server.incoming_requests() {
        let (status, headers, body) = app.answer(&request).unwrap_or_else(|error| {
            eprintln!("{error:#}");
            let text = "<p>That did not work.</p><a href=\"/login\">Sign in</a>";
            (500, Vec::new(), text.to_owned())
        });
        let mut response = Response::from_string(body).with_status_code(status);
        for (name, value) in headers {
            let header = Header::from_bytes(name, value);
            response.add_header(header.map_err(|()| anyhow!("no header"))?);
        }
        let html = Header::from_bytes("Content-Type", "text/html; charset=utf-8");
        response.add_header(html.map_err(|()| anyhow!("no header"))?);
        request.respond(response)?;
    }
    Ok(())
}

struct App {
    settings: Settings,
    doorward: Doorward,
    discovered_at: Instant,
    /// By the value of their cookie.
    sessions: HashMap<String, Session>,
    origin: Url,
}

impl App {
    fn answer(&mut self, request: &Request) -> Result<Answer> {
        let address = self.origin.join(request.url())?;
        let id = cookie(request, "app-session");
        if self.discovered_at.elapsed() > KEYS_TTL {
            self.doorward = Doorward::discover(&self.settings)?;
            self.discovered_at = Instant::now();
        }
        match (request.method(), address.path()) {
            (Method::Get, "/") if self.sessions.contains_key(&id) => Ok(redirect("/me")),
            (Method::Get, "/") => {
                let text = "<p>You are signed out.</p><a href=\"/login\">Sign in</a>";
                Ok((200, Vec::new(), text.to_owned()))
            }
            (Method::Get, "/login") => {
                let (address, pending) = self.doorward.sign_in();
                let (state, nonce) = (pending.state, pending.nonce);
                let value = format!("{state}.{nonce}.{}", pending.verifier);
                Ok(with_cookie(redirect(&address), "signing-in", &value))
            }
            (Method::Get, "/callback") => self.callback(&address, &cookie(request, "signing-in")),
            (Method::Get, "/me") => self.me(&id),
            (Method::Post, "/refresh") => self.refresh(&id),
            (Method::Post, "/logout") => {
                let Some(session) = self.sessions.remove(&id) else {
                    return Ok(redirect("/"));
                };
                Ok(redirect(&self.doorward.sign_out(&session)))
            }
            _ => Ok((404, Vec::new(), String::new())),
        }
    }

    fn callback(&mut self, address: &Url, signing_in: &str) -> Result<Answer> {
        let mut parts = signing_in.splitn(3, '.').map(str::to_owned);
        let mut part = || parts.next().context("no sign-in was begun here");
        let pending = Pending {
            state: part()?,
            nonce: part()?,
            verifier: part()?,
        };
        let parameters: HashMap<_, _> = address.query_pairs().into_owned().collect();
        let code = parameters
            .get("code")
            .with_context(|| format!("Doorward refused: {:?}", parameters.get("error")))?;
        let state = parameters.get("state").map_or("", String::as_str);
        let session = self.doorward.finish(pending, state, code.clone())?;
        let id = CsrfToken::new_random_len(32).into_secret();
        self.sessions.insert(id.clone(), session);
        let answer = with_cookie(redirect("/me"), "signing-in", "");
        Ok(with_cookie(answer, "app-session", &id))
    }

    fn me(&mut self, id: &str) -> Result<Answer> {
        let Some(session) = self.sessions.get(id) else {
            return Ok(redirect("/"));
        };
        let Some(user_info) = self.doorward.user_info(session)? else {
            self.sessions.remove(id);
            return Ok(redirect("/"));
        };
        let name = user_info.name().and_then(|name| name.get(None));
        let token = session.access_token.secret();
        let page = format!(
            "<dl><dt>Name</dt><dd id=\"name\">{}</dd><dt>sub</dt><dd id=\"sub\">{}</dd>
            <dt>Access token, its end</dt><dd id=\"access-token\">{}</dd></dl>
            <form method=\"post\" action=\"/refresh\"><button>Renew</button></form>
            <form method=\"post\" action=\"/logout\"><button>Sign out</button></form>
            <pre id=\"userinfo\">{}</pre>",
            escape(name.map_or("", |name| name.as_str())),
            escape(session.sub.as_str()),
            escape(token.get(token.len().saturating_sub(8)..).unwrap_or("")),
            escape(&serde_json::to_string_pretty(&user_info)?),
        );
        Ok((200, vec![("Cache-Control", "no-store".to_owned())], page))
    }

    fn refresh(&mut self, id: &str) -> Result<Answer> {
        let Some(session) = self.sessions.get_mut(id) else {
            return Ok(redirect("/"));
        };
        if !self.doorward.refresh(session)? {
            self.sessions.remove(id);
            return Ok(redirect("/"));
        }
        Ok(redirect("/me"))
    }
}

fn redirect(to: &str) -> Answer {
    (303, vec![("Location", to.to_owned())], String::new())
}

fn with_cookie(mut answer: Answer, name: &str, value: &str) -> Answer {
    // Under https also: Secure.
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
    answer.1.push(("Set-Cookie", cookie));
    answer
}

fn cookie(request: &Request, name: &str) -> String {
    let headers = request.headers().iter();
    let cookies = headers.filter(|header| header.field.equiv("Cookie"));
    cookies
        .flat_map(|header| header.value.as_str().split("; "))
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
        .unwrap_or_default()
}

fn escape(text: &str) -> String {
    let escaped = text.chars().map(|character| match character {
        '&' | '<' | '>' | '"' | '\'' => format!("&#{};", u32::from(character)),
        other => other.to_string(),
    });
    escaped.collect()
}
