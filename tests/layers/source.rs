//! Just enough Rust to measure a file: code told apart from comments and strings, and in
//! the code its imports and its functions. No parser; what it cannot read it leaves alone.

/// One file, with a copy of its text in which comments and the insides of strings are
/// blanks: the same length, the same lines.
pub struct Source {
    pub path: String,
    pub text: String,
    pub code: String,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    /// From its `fn` to its closing brace, both counted.
    pub lines: usize,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code: code_of(text),
        }
    }

    pub fn line_at(&self, offset: usize) -> usize {
        self.code[..offset].matches('\n').count() + 1
    }

    /// Where `word` stands in the code as a whole word.
    pub fn mentions(&self, word: &str) -> Vec<usize> {
        let bytes = self.code.as_bytes();
        self.code
            .match_indices(word)
            .map(|(at, _)| at)
            .filter(|&at| at == 0 || !is_word(bytes[at - 1]))
            .filter(|&at| !bytes.get(at + word.len()).is_some_and(|&b| is_word(b)))
            .collect()
    }

    /// The paths below the crate's root that the code names, as (offset, path): each
    /// `crate::a::b`, each member of `crate::{…}`, each `super::` chain that leads there.
    pub fn crate_paths(&self) -> Vec<(usize, Vec<String>)> {
        let mut found = Vec::new();
        for at in self.mentions("crate") {
            if self.code[at..].starts_with("crate::") {
                self.paths_from(at + "crate::".len(), &mut Vec::new(), &mut found);
            }
        }
        for at in self.mentions("super") {
            let before = self.code[..at].trim_end();
            if !before.ends_with("super::") && !before.ends_with("(in") {
                self.paths_from_super(at, &mut found);
            }
        }
        found.sort();
        found.dedup();
        found
    }

    fn paths_from_super(&self, at: usize, found: &mut Vec<(usize, Vec<String>)>) {
        let mut here = module_of(&self.path);
        here.extend(self.inline_modules_around(at));
        let mut rest = at;
        while self.code[rest..].starts_with("super::") {
            here.pop();
            rest += "super::".len();
        }
        self.paths_from(rest, &mut here, found);
    }

    /// Reads a use tree at `at` below `prefix`; returns where it ends.
    fn paths_from(
        &self,
        at: usize,
        prefix: &mut Vec<String>,
        found: &mut Vec<(usize, Vec<String>)>,
    ) -> usize {
        let bytes = self.code.as_bytes();
        let word_end = at
            + bytes[at..]
                .iter()
                .position(|&b| !is_word(b))
                .unwrap_or(bytes.len() - at);
        if word_end > at {
            prefix.push(self.code[at..word_end].to_owned());
            let end = if self.code[word_end..].starts_with("::") {
                self.paths_from(word_end + 2, prefix, found)
            } else {
                found.push((at, prefix.clone()));
                word_end
            };
            prefix.pop();
            return end;
        }
        match bytes.get(at) {
            Some(b'{') => {
                let mut at = at + 1;
                while at < bytes.len() && bytes[at] != b'}' {
                    if is_word(bytes[at]) || bytes[at] == b'{' || bytes[at] == b'*' {
                        at = self.paths_from(at, prefix, found);
                        // `as name` is the member's, not another one.
                        while at < bytes.len() && !matches!(bytes[at], b',' | b'}') {
                            at += 1;
                        }
                    } else {
                        at += 1;
                    }
                }
                at + 1
            }
            // A glob or a turbofish: the prefix itself is what is named.
            _ => {
                found.push((at, prefix.clone()));
                at + 1
            }
        }
    }

    /// The inline `mod name { … }` that `at` stands in, outermost first.
    fn inline_modules_around(&self, at: usize) -> Vec<String> {
        self.mentions("mod")
            .into_iter()
            .filter(|&start| start < at)
            .filter_map(|start| {
                let rest = self.code[start + 3..].trim_start();
                let name: String = rest.chars().take_while(|c| is_word_char(*c)).collect();
                let open = self.code.len() - rest.len() + name.len();
                let body = open + self.code[open..].len() - self.code[open..].trim_start().len();
                let inside = self.code[body..].starts_with('{') && at < self.close_of(body);
                inside.then_some(name)
            })
            .collect()
    }

    /// The functions with bodies, nested ones too.
    pub fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for at in self.mentions("fn") {
            let rest = self.code[at + 2..].trim_start();
            let name: String = rest.chars().take_while(|c| is_word_char(*c)).collect();
            let signature = self.code.len() - rest.len() + name.len();
            // `fn(u8) -> u8` is a type; in macros the name may be `$name`.
            if name.is_empty() {
                continue;
            }
            if let Some(open) = self.body_after(signature) {
                let (first, last) = (self.line_at(at), self.line_at(self.close_of(open)));
                functions.push(Function {
                    name,
                    line: first,
                    lines: last - first + 1,
                });
            }
        }
        functions
    }

    /// The brace that opens a body, or `None` where a `;` ends the signature first.
    fn body_after(&self, signature: usize) -> Option<usize> {
        let mut depth = 0_i32;
        for (offset, b) in self.code.bytes().enumerate().skip(signature) {
            match b {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth -= 1,
                b'{' if depth == 0 => return Some(offset),
                b';' if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    /// Where the brace at `open` is closed; the end of the file when it is not.
    fn close_of(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (offset, b) in self.code.bytes().enumerate().skip(open) {
            match b {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return offset;
            }
        }
        self.code.len()
    }

    /// Whether `at` is code for tests: a test file, or under a `#[cfg(test)]` or `#[test]`.
    pub fn is_test_code(&self, at: usize) -> bool {
        let file = self.path.starts_with("tests/")
            || self.path.starts_with("benches/")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/");
        file || ["#[cfg(test)]", "#[test]"].iter().any(|mark| {
            self.code.match_indices(mark).any(|(start, _)| {
                let open = self.body_after(start + mark.len());
                open.is_some_and(|open| start < at && at < self.close_of(open))
            })
        })
    }

    /// The modules in files of their own that this one declares under `#[cfg(test)]`.
    pub fn test_modules(&self) -> Vec<Vec<String>> {
        const MARK: &str = "#[cfg(test)]";
        self.code
            .match_indices(MARK)
            .filter_map(|(at, _)| {
                let declared = self.code[at + MARK.len()..].split(['{', ';']).next()?;
                let name = declared.split_once("mod ")?.1.trim();
                let mut path = module_of(&self.path);
                path.push(name.to_owned());
                Some(path)
            })
            .collect()
    }
}

/// The module path of a file below `src/`: `channels/email/mod.rs` is `[channels, email]`.
pub fn module_of(path: &str) -> Vec<String> {
    let path = path.strip_prefix("src/").unwrap_or(path);
    let path = path.strip_suffix(".rs").unwrap_or(path);
    path.split('/')
        .filter(|part| !matches!(*part, "mod" | "lib" | "main"))
        .map(str::to_owned)
        .collect()
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text with comments and the insides of strings and characters turned into blanks.
fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => line_comment_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => block_comment_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'\'' => character_end(text, at),
            b'r' | b'b' | b'c' if at == 0 || !is_word(bytes[at - 1]) => raw_string_end(bytes, at),
            _ => at,
        };
        if end == at {
            at += 1;
            continue;
        }
        for b in &mut out[at..end.min(bytes.len())] {
            if *b != b'\n' {
                *b = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(out).expect("whole tokens were blanked, byte by byte, with ASCII")
}

fn line_comment_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    at + rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())
}

/// Block comments nest in Rust.
fn block_comment_end(bytes: &[u8], at: usize) -> usize {
    let (mut depth, mut at) = (1, at + 2);
    while at < bytes.len() && depth > 0 {
        let step = match &bytes[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
    }
    at
}

fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// `r"…"`, `r#"…"#`, `br…`, `cr…`; `at` itself when no raw string starts there.
fn raw_string_end(bytes: &[u8], at: usize) -> usize {
    let mut quote = at + usize::from(bytes[at] != b'r');
    if bytes.get(quote) != Some(&b'r') {
        return at;
    }
    quote += 1;
    let hashes = bytes[quote..].iter().take_while(|&&b| b == b'#').count();
    quote += hashes;
    if bytes.get(quote) != Some(&b'"') {
        return at;
    }
    let close = [&b"\""[..], &b"#".repeat(hashes)].concat();
    bytes[quote + 1..]
        .windows(close.len())
        .position(|window| window == close)
        .map_or(bytes.len(), |found| quote + 1 + found + close.len())
}

/// The end of a character literal; `at` itself for a lifetime.
fn character_end(text: &str, at: usize) -> usize {
    let rest = &text[at + 1..];
    let mut chars = rest.char_indices();
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            match chars.find(|(_, c)| *c == '\'') {
                Some((close, _)) => at + 1 + close + 1,
                None => at,
            }
        }
        Some(_) => match chars.next() {
            Some((close, '\'')) => at + 1 + close + 1,
            _ => at,
        },
        None => at,
    }
}
