//! Style sheets written into elements, for mail programs that drop `<style>`.

/// Why a mail's style sheet could not be inlined.
#[derive(Debug, thiserror::Error)]
#[error(
    "the mail's style sheet could not be inlined: {0}; look for the fault in its template's <style>"
)]
pub struct InlineError(#[source] css_inline::InlineError);

/// Inlines the `<style>` of a whole document of ours. At-rules stay in a `<style>` of their
/// own, because dark mode and small screens are asked for by `@media`; `<meta charset>` comes
/// first in the head again, where HTML §4.2.5.4 wants it within 1,024 bytes. Nothing is
/// loaded, from the network or from files.
///
/// # Errors
/// [`InlineError`] when the CSS cannot be read.
pub fn inline_css(html: &str) -> Result<String, InlineError> {
    let inlined = css_inline::CSSInliner::options()
        .load_remote_stylesheets(false)
        .keep_at_rules(true)
        .build()
        .inline(html)
        .map_err(InlineError)?;
    Ok(charset_first(inlined))
}

fn charset_first(html: String) -> String {
    let meta = "<meta charset=\"utf-8\">";
    let lower = html.to_ascii_lowercase();
    let (Some(head), Some(at)) = (lower.find("<head>"), lower.find(meta)) else {
        return html;
    };
    let inside = head + "<head>".len();
    if at <= inside {
        return html;
    }
    let after = at + meta.len();
    [&html[..inside], meta, &html[inside..at], &html[after..]].concat()
}
