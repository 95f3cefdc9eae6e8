//! What every response says to browsers: load nothing you were not given, believe the media
//! type, tell nobody where you came from.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

/// Pages with our own words. Pictures come from wherever articles have them.
const PUBLIC_POLICY: &str = "default-src 'none'; img-src https: http: data:; \
     style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Pages with other people's HTML: cleaned when it came in, and caged all the same. No script
/// runs, no form is sent, and the page has an origin of its own.
const ISSUE_POLICY: &str = "default-src 'none'; img-src https: http: data:; \
     style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; sandbox allow-popups \
     allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation";

const ADMIN_POLICY: &str = "default-src 'none'; script-src 'self'; \
     style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     font-src 'self'; form-action 'self'; frame-src 'self'; frame-ancestors 'none'; \
     base-uri 'none'";

/// Middleware of the public listener.
pub async fn public(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, CONTENT_SECURITY_POLICY, PUBLIC_POLICY);
    set(headers, REFERRER_POLICY, "strict-origin-when-cross-origin");
    response
}

/// Middleware of pages that show articles.
pub async fn issue(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    set(
        response.headers_mut(),
        CONTENT_SECURITY_POLICY,
        ISSUE_POLICY,
    );
    response
}

/// Middleware of pages with what a person writes: kept nowhere, told to nobody.
pub async fn form(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set(headers, REFERRER_POLICY, "no-referrer");
    response
}

/// Middleware of pages whose address is a key: those of [`form`], and found by nobody.
pub async fn token(request: Request, next: Next) -> Response {
    let mut response = form(request, next).await;
    let headers = response.headers_mut();
    set(headers, HeaderName::from_static("x-robots-tag"), "noindex");
    response
}

/// Middleware of the operators' listener.
pub async fn admin(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, CONTENT_SECURITY_POLICY, ADMIN_POLICY);
    set(headers, REFERRER_POLICY, "same-origin");
    set(headers, CACHE_CONTROL, "no-store");
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=()",
        ),
    ] {
        set(headers, HeaderName::from_static(name), value);
    }
    response
}

/// Sets what an inner layer has not set already.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers
        .entry(name)
        .or_insert(HeaderValue::from_static(value));
}
