//! A service without accounts and access rules: Doorward says who the user is and what they may do.

mod doorward;

use std::env;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, get, web};
use serde_json::json;

use doorward::{Doorward, Refused};

#[get("/orders/{order}")]
async fn view_order(
    request: HttpRequest,
    order: web::Path<String>,
    doorward: web::Data<Doorward>,
) -> Result<HttpResponse, Refused> {
    let user = doorward.allow(&request, "view", &order).await?;
    Ok(HttpResponse::Ok().json(json!({ "order": *order, "viewer": user["username"] })))
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let port: u16 = variable("PORT").parse().unwrap_or(3000);
    let doorward = web::Data::new(Doorward::new(
        variable("DOORWARD"),
        variable("CLIENT_ID"),
        variable("CLIENT_SECRET"),
    ));
    println!("listening on {port}");
    HttpServer::new(move || App::new().app_data(doorward.clone()).service(view_order))
        .workers(1)
        .bind(("127.0.0.1", port))?
        .run()
        .await
}
