//! The endpoints `/access/v1/…` and their metadata (AuthZEN Authorization API 1.0). Errors are plain text, as the
//! specification wants.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, Route, web};
use serde_json::{Map, Value, json};

use super::{AuthZen, AuthZenError, EvaluationRequest, PrefetchedCopies, Searched};
use crate::account_state::Unavailable;
use crate::clients::Scope;
use crate::sessions::Caller;
use crate::web::{LargeBodies, Problem, Web, only, read_object};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const SUBJECTS: &str = "/access/v1/search/subject";
const RESOURCES: &str = "/access/v1/search/resource";
const ACTIONS: &str = "/access/v1/search/action";
/// Maximum size of a batch request, in bytes: enough for 1000 evaluations that each name their own entities.
const EVALUATIONS_BYTES: usize = 512 << 10;

/// Registers the routes. They are outside every session: none of them reads a cookie.
pub fn routes(config: &mut web::ServiceConfig) {
    let post = |path, route: Route| {
        web::resource(path)
            .route(route)
            .default_service(only("POST"))
    };
    let search = |path, searched| {
        let handler = move |request: HttpRequest, authzen: web::Data<AuthZen>, body: web::Bytes| {
            search(request, authzen, body, searched)
        };
        post(path, web::post().to(handler))
    };
    config
        .app_data(LargeBodies {
            path: EVALUATIONS,
            bytes: EVALUATIONS_BYTES,
            authenticate: |request| {
                Box::pin(async move { require_client(&request, Scope::AccessEvaluate).await })
            },
        })
        .service(
            web::resource("/.well-known/authzen-configuration")
                .route(web::get().to(read_metadata))
                .default_service(only("GET")),
        )
        .service(post(EVALUATION, web::post().to(evaluate)))
        .service(
            post(EVALUATIONS, web::post().to(evaluate_many))
                .app_data(web::PayloadConfig::new(EVALUATIONS_BYTES)),
        )
        .service(search(SUBJECTS, Searched::Subjects))
        .service(search(RESOURCES, Searched::Resources))
        .service(search(ACTIONS, Searched::Actions));
}

/// An error response whose body is the message as plain text.
struct Refusal(Problem);

impl Refusal {
    fn response(self) -> HttpResponse {
        let text = self.0.detail.clone().into_owned();
        let mut response = self.0.error_response().set_body(text);
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            header::HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        response.map_into_boxed_body()
    }
}

impl<P: Into<Problem>> From<P> for Refusal {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

impl From<AuthZenError> for Problem {
    fn from(error: AuthZenError) -> Self {
        match error {
            AuthZenError::Malformed(reason) => Self::invalid_body(reason),
            AuthZenError::NoPolicies => Self::new(
                actix_web::http::StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "Temporarily unavailable",
                "No policies are loaded. The reason is on the operator port (/readyz).",
            )
            .retry_after(2),
            AuthZenError::Unavailable(Unavailable::Database(error)) => error.into(),
            AuthZenError::Unavailable(Unavailable::Ephemeral(error)) => error.into(),
        }
    }
}

type Answer = Result<HttpResponse, Refusal>;

/// Authenticates the client, requires the scope and returns the request's JSON object.
async fn read(
    request: &HttpRequest,
    body: &[u8],
    scope: Scope,
) -> Result<Map<String, Value>, Refusal> {
    note_callers_id(request);
    require_client(request, scope).await?;
    Ok(read_object(request, body)?)
}

/// Requires a client that acts for itself and has the scope. Users may not request decisions, and cookies are ignored.
async fn require_client(request: &HttpRequest, scope: Scope) -> Result<(), Problem> {
    require_credentials(request)?;
    let caller = Caller::from_request(request, &mut Payload::None).await?;
    if caller.person().is_some() {
        return Err(Problem::forbidden(
            "Only clients may request decisions. Use a token issued to the client itself.",
        ));
    }
    Ok(caller.require(scope)?)
}

/// Rejects a request without credentials before its body is parsed.
fn require_credentials(request: &HttpRequest) -> Result<(), Problem> {
    if request.headers().contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    Err(Problem::new(
        actix_web::http::StatusCode::UNAUTHORIZED,
        "client-unknown",
        "Client authentication failed",
        "Authenticate as a client, with HTTP Basic or an access token issued to the client itself.",
    )
    .header(
        header::WWW_AUTHENTICATE,
        "Basic realm=\"Doorward\", Bearer realm=\"Doorward\"",
    ))
}

/// Logs the caller's own request ID (`X-Request-Id`), so that both sides' logs can be correlated.
fn note_callers_id(request: &HttpRequest) {
    let id = request.headers().get("x-request-id");
    let id = id.and_then(|id| id.to_str().ok());
    if let Some(id) = id.and_then(|id| id.get(..id.len().min(128))) {
        tracing::Span::current().record("callers_id", id);
    }
}

async fn answer(work: impl Future<Output = Answer>) -> HttpResponse {
    work.await.unwrap_or_else(Refusal::response)
}

async fn evaluate(
    request: HttpRequest,
    authzen: web::Data<AuthZen>,
    body: web::Bytes,
) -> HttpResponse {
    answer(async {
        note_callers_id(&request);
        require_credentials(&request)?;
        let read = read_object(&request, &body);
        let evaluation = read.and_then(|asked| Ok(EvaluationRequest::read(&asked)?));
        let prefetch = async {
            match &evaluation {
                Ok(evaluation) => Ok(authzen
                    .prefetch(evaluation)
                    .await
                    .map_err(Unavailable::from)?),
                Err(_) => Ok::<_, AuthZenError>(PrefetchedCopies::default()),
            }
        };
        // An authentication error takes precedence, and discards everything that was read concurrently.
        let (client, prefetch) =
            tokio::join!(require_client(&request, Scope::AccessEvaluate), prefetch);
        client?;
        let answered = authzen.evaluate(&evaluation?, prefetch?).await?;
        Ok(HttpResponse::Ok().json(answered))
    })
    .await
}

async fn evaluate_many(
    request: HttpRequest,
    authzen: web::Data<AuthZen>,
    body: web::Bytes,
) -> HttpResponse {
    answer(async {
        let asked = read(&request, &body, Scope::AccessEvaluate).await?;
        Ok(HttpResponse::Ok().json(authzen.evaluate_many(&asked).await?))
    })
    .await
}

async fn search(
    request: HttpRequest,
    authzen: web::Data<AuthZen>,
    body: web::Bytes,
    searched: Searched,
) -> HttpResponse {
    answer(async {
        let asked = read(&request, &body, Scope::AccessSearch).await?;
        let found = authzen.search(&asked, searched).await?;
        Ok(HttpResponse::Ok().json(found.to_json()))
    })
    .await
}

/// Returns the metadata (AuthZEN Authorization API 1.0, "Policy Decision Point Metadata").
async fn read_metadata(web: web::Data<Web>) -> HttpResponse {
    let at = |path: &str| web.public_url().with_path(path);
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .json(json!({
            "policy_decision_point": web.public_url().as_str(),
            "access_evaluation_endpoint": at(EVALUATION),
            "access_evaluations_endpoint": at(EVALUATIONS),
            "search_subject_endpoint": at(SUBJECTS),
            "search_resource_endpoint": at(RESOURCES),
            "search_action_endpoint": at(ACTIONS),
        }))
}
