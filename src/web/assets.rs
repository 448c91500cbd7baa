//! Static files, embedded in the binary and versioned by their content.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::{Answer, Problem, matches_etag, only};

#[derive(RustEmbed)]
#[folder = "ui/static"]
#[include = "*.css"]
#[include = "*.js"]
#[include = "*.svg"]
struct Files;

/// Returns the URL of a file. It changes with the file's content, so browsers may cache it forever.
pub fn asset_url(name: &str) -> String {
    match Files::get(name) {
        Some(file) => format!("/assets/{name}?v={}", version(&file)),
        None => format!("/assets/{name}"),
    }
}

fn version(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    URL_SAFE_NO_PAD.encode(hash.get(..9).unwrap_or(&hash))
}

/// Registers `GET /assets/{name}`.
pub fn routes(config: &mut web::ServiceConfig) {
    config.service(
        web::resource("/assets/{name:.+}")
            .route(web::get().to(read_asset))
            .default_service(only("GET")),
    );
}

async fn read_asset(request: HttpRequest, name: web::Path<String>) -> Answer {
    read(&request, &name)
}

/// Returns the style sheet, for pages at protected hosts.
pub async fn read_style(request: HttpRequest) -> Answer {
    read(&request, "style.css")
}

fn read(request: &HttpRequest, name: &str) -> Answer {
    let file = Files::get(name).ok_or_else(Problem::not_found)?;
    let version = version(&file);
    let is_named = request.query_string() == format!("v={version}");
    // Scripts import each other without the version; browsers revalidate those URLs and get 304.
    let keep = if is_named {
        "public, max-age=31536000, immutable"
    } else {
        "public, no-cache"
    };
    let tag = format!("\"{version}\"");
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CACHE_CONTROL, keep))
        .insert_header((header::ETAG, tag.as_str()));
    if matches_etag(request, &tag) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(response
        .content_type(file.metadata.mimetype())
        .body(file.data.into_owned()))
}
