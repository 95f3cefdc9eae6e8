//! Writes the built-in mails, or those of a templates directory, rendered with the sample
//! issues, so that a designer can look at them in a browser:
//!
//! ```text
//! cargo run --example samples -- OUT [TEMPLATES]
//! ```

use std::path::Path;

use courant::templates::{Templates, samples};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(out) = arguments.first() else {
        return Err("where to? cargo run --example samples -- OUT [TEMPLATES]".into());
    };
    let templates = Templates::load(arguments.get(1).map(Path::new))?;
    std::fs::create_dir_all(out)?;
    for sample in samples::contexts() {
        for name in [
            "email/digest.html",
            "email/digest.txt",
            "email/article.html",
            "email/article.txt",
            "web/issue.html",
        ] {
            let mut text = templates.render(name, &sample.context)?;
            if name.starts_with("email/") && name.ends_with(".html") {
                text = courant::html::inline_css(&text)?;
            }
            let file = format!("{}-{}", sample.name, name.replace('/', "-"));
            println!("{:>7} bytes  {file}", text.len());
            std::fs::write(Path::new(out).join(file), text)?;
        }
    }
    Ok(())
}
