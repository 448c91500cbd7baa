//! Macro for tables of routes.

/// Defines the function `routes`, which registers the handler of each method at each path. Other methods are refused with 405.
macro_rules! routes {
    ($($path:expr => $($method:ident $handler:expr),+;)+) => {
        /// Registers the routes.
        pub fn routes(config: &mut actix_web::web::ServiceConfig) {
            $(config.service(
                actix_web::web::resource($path)
                    $(.route(actix_web::web::$method().to($handler)))+
                    .default_service($crate::web::only(
                        [$(stringify!($method)),+].join(", ").to_uppercase(),
                    )),
            );)+
        }
    };
}
pub(crate) use routes;
