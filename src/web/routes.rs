//! Which address leads where.

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{MethodRouter, get, post};

use super::listen::Side;
use super::state::State;
use super::{
    admin, api, archive, confirm, feeds, headers, metrics, page, preferences, push, readers,
    signup, websub,
};

/// The public listener's routes.
pub fn public_router(state: State) -> Router {
    let forms = Router::new()
        .route("/subscribe", get(signup::form).post(signup::sign_up))
        .layer(from_fn(headers::form));
    let tokens = Router::new()
        .route("/confirm/{token}", get(confirm::ask).post(confirm::confirm))
        .route(
            "/unsubscribe/{token}",
            get(readers::ask_unsubscribe).post(readers::unsubscribe),
        )
        .route(
            "/preferences/{token}",
            get(preferences::show).post(preferences::save),
        )
        .layer(from_fn(headers::token));
    let callbacks = Router::new()
        .route(
            "/websub/callback/{id}",
            get(websub::verify).post(websub::push),
        )
        .layer(from_fn(headers::token));
    let issues = Router::new()
        .route("/archive/{channel}/{number}", get(archive::issue))
        .layer(from_fn(headers::issue));
    let routes = Router::new()
        .route("/", get(archive::home))
        .route("/feeds/{file}", get(feeds::feed))
        .route("/archive/{channel}", get(archive::archive))
        .route("/push/{source}", post(push::receive))
        .merge(callbacks)
        .merge(issues)
        .merge(forms)
        .merge(tokens);
    finished(routes, state, Side::Public).layer(from_fn(headers::public))
}

/// The operators' listener's routes.
pub fn admin_router(state: State) -> Router {
    let mut pages = Router::new();
    for (path, route) in admin_routes() {
        pages = pages.route(path, route);
    }
    finished(pages, state, Side::Admin).layer(from_fn(headers::admin))
}

/// Every route of the operators' listener; the description of the API has each of them.
fn admin_routes() -> Vec<(&'static str, MethodRouter<State>)> {
    let json = |route: MethodRouter<State>| route.layer(from_fn(api::dress));
    vec![
        ("/", get(admin::overview)),
        ("/metrics", get(admin::metrics)),
        ("/healthz", get(admin::healthz)),
        ("/readyz", get(admin::readyz)),
        ("/api/openapi.json", get(api::openapi)),
        ("/api/v1/status", json(get(api::status))),
        ("/api/v1/sources", json(get(api::sources))),
        ("/api/v1/channels", json(get(api::channels))),
        ("/api/v1/issues", json(get(api::issues))),
        ("/api/v1/issues/{id}", json(get(api::issue))),
        ("/api/v1/payloads", json(get(api::payloads))),
        ("/api/v1/articles", json(get(api::articles))),
    ]
}

/// What both have: a page for every other address and method, and the request counters.
fn finished(routes: Router<State>, state: State, side: Side) -> Router {
    routes
        .fallback(page::not_found)
        .method_not_allowed_fallback(page::wrong_method)
        .layer(from_fn_with_state(state.clone(), page::dress))
        .layer(from_fn_with_state((state.clone(), side), metrics::count))
        .with_state(state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_document_has_every_route_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(api::OPENAPI).unwrap();
        let mut described: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
        let mut routes: Vec<&str> = admin_routes().into_iter().map(|(path, _)| path).collect();
        described.sort();
        routes.sort_unstable();
        assert_eq!(described, routes);
    }

    /// Every `$ref` leads somewhere, and every answer is described.
    #[test]
    fn the_api_document_is_whole() {
        let document: serde_json::Value = serde_json::from_str(api::OPENAPI).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            let answers = item["get"]["responses"].as_object();
            assert!(answers.is_some_and(|a| a.contains_key("200")), "{path}");
            assert!(item["get"]["summary"].is_string(), "{path}");
        }
        let text = api::OPENAPI;
        for reference in text.split("\"$ref\": \"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}
