//! Reads a Rust source as far as the rules need it: its words, the paths into our own crate, its SQL. Comments, the text of
//! strings and test modules don't count. It is no Rust parser.

use std::collections::BTreeSet;
use std::path::Path;

pub struct Source {
    /// Below `src/`, such as `sessions/store.rs`.
    pub path: String,
    /// Whether it promises to be pure: by its first line, or by its name.
    pub pure: bool,
    /// Words, `::` and other signs, in order.
    pub tokens: Vec<String>,
    /// Paths into our own crate, from its root: `["sessions", "store", "end_one"]`.
    pub paths: BTreeSet<Vec<String>>,
    /// Functions and the text of their strings.
    pub functions: Vec<(String, String)>,
}

impl Source {
    /// Every Rust file below a folder.
    pub fn read_all(root: &Path) -> Vec<Self> {
        let mut found = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("the sources are there") {
                let path = entry.expect("the sources are readable").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let below =
                        path.strip_prefix(root).expect("it was found below the root").to_string_lossy().into_owned();
                    let is_test = below.ends_with("/tests.rs") || below.contains("/tests/");
                    if !is_test {
                        found.push(Self::parse(&below, &std::fs::read_to_string(&path).expect("sources are UTF-8")));
                    }
                }
            }
        }
        found.sort_by(|left, right| left.path.cmp(&right.path));
        found
    }

    pub fn parse(path: &str, text: &str) -> Self {
        let (mut code, mut strings) = blank(text);
        for range in test_modules(&code) {
            code[range.clone()].fill(b' ');
            strings[range].fill(b' ');
        }
        let (code, strings) = (lossy(&code), lossy(&strings));
        let name = path.rsplit('/').next().unwrap_or(path);
        let words = tokens(&code);
        let module = module(path);
        let paths = paths(&words).into_iter().filter_map(|path| from_root(&module, &path)).collect();
        Self {
            path: path.to_owned(),
            pure: text.starts_with("//! Pure:") || name == "model.rs" || name == "rules.rs",
            functions: functions(&code, &strings),
            tokens: words.into_iter().map(str::to_owned).collect(),
            paths,
        }
    }

    /// The folder, or the file's own name at the root.
    pub fn folder(&self) -> &str {
        self.path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
    }

    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    pub fn has_word(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| token == word)
    }

    /// Whether it calls a function of that name; its own definition is no call.
    pub fn calls(&self, function: &str) -> bool {
        self.tokens.windows(3).any(|three| three[0] != "fn" && three[1] == function && three[2] == "(")
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The text with comments and strings blanked, and the text of its strings alone, both byte for byte in place.
fn blank(text: &str) -> (Vec<u8>, Vec<u8>) {
    let bytes = text.as_bytes();
    let (mut code, mut strings) = (bytes.to_vec(), vec![b' '; bytes.len()]);
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (length, is_string) = match rest {
            [b'/', b'/', ..] => (rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()), false),
            [b'/', b'*', ..] => (find(rest, b"*/").map_or(rest.len(), |end| end + 2), false),
            [b'r', b'"' | b'#', ..] if raw_string(rest).is_some() => (raw_string(rest).unwrap_or(1), true),
            [b'"', ..] => (string(rest), true),
            [b'\'', b'\\', ..] => {
                (find(rest.get(3..).unwrap_or_default(), b"'").map_or(rest.len(), |end| end + 4), false)
            }
            [b'\'', _, b'\'', ..] => (3, false),
            _ => (0, false),
        };
        if is_string {
            strings[at..at + length].copy_from_slice(&bytes[at..at + length]);
        }
        code[at..at + length].fill(b' ');
        at += length.max(1);
    }
    (code, strings)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// Length of a string literal with its quotes.
fn string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// Length of a raw string literal, if there is one.
fn raw_string(bytes: &[u8]) -> Option<usize> {
    let hashes = bytes[1..].iter().take_while(|byte| **byte == b'#').count();
    if bytes.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let end = [&b"\""[..], &b"#".repeat(hashes)].concat();
    find(&bytes[2 + hashes..], &end).map(|length| 2 + hashes + length + end.len())
}

/// Where `#[cfg(test)] mod … { … }` stands.
fn test_modules(code: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mark = b"#[cfg(test)]";
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = find(&code[from..], mark).map(|offset| from + offset) {
        let mut depth = 0;
        let mut end = code.len();
        for (offset, byte) in code[start..].iter().enumerate() {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 && matches!(byte, b'}' | b';') {
                end = start + offset + 1;
                break;
            }
        }
        found.push(start..end);
        from = end;
    }
    found
}

fn tokens(code: &str) -> Vec<&str> {
    let bytes = code.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        if is_word(bytes[at]) {
            while at < bytes.len() && is_word(bytes[at]) {
                at += 1;
            }
        } else {
            at += if bytes[at..].starts_with(b"::") { 2 } else { 1 };
        }
        if !bytes[start].is_ascii_whitespace() {
            found.push(&code[start..at]);
        }
    }
    found
}

/// Every path that begins with `crate`, `super` or `self`, with the trees of `use` spread out.
fn paths<'a>(tokens: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let begins = matches!(*token, "crate" | "super" | "self") && tokens.get(index + 1) == Some(&"::");
        if begins && (index == 0 || tokens[index - 1] != "::") {
            tree(tokens, index, &[], &mut found);
        }
    }
    found
}

/// Reads one branch of a tree that hangs on `prefix`; gives where it ends.
fn tree<'a>(tokens: &[&'a str], mut at: usize, prefix: &[&'a str], found: &mut Vec<Vec<&'a str>>) -> usize {
    let mut path = prefix.to_vec();
    loop {
        match tokens.get(at) {
            Some(&"{") => {
                at += 1;
                while let Some(token) = tokens.get(at) {
                    match *token {
                        "}" => return at + 1,
                        "," => at += 1,
                        _ => at = tree(tokens, at, &path, found).max(at + 1),
                    }
                }
                return at;
            }
            Some(word) if word.starts_with(|first: char| first.is_alphabetic() || first == '_') => path.push(*word),
            _ => break,
        }
        at += 1;
        if tokens.get(at) != Some(&"::") {
            break;
        }
        at += 1;
    }
    found.push(path);
    if tokens.get(at) == Some(&"as") { at + 2 } else { at }
}

/// `sessions/store.rs` is the module `sessions::store`, `sessions/mod.rs` is `sessions`.
fn module(path: &str) -> Vec<String> {
    let mut module: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        module.pop();
    }
    module
}

fn from_root(module: &[String], path: &[&str]) -> Option<Vec<String>> {
    let mut base: Vec<String> = if path.first() == Some(&"crate") { Vec::new() } else { module.to_vec() };
    for word in path {
        match *word {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            word => base.push(word.to_owned()),
        }
    }
    (!base.is_empty()).then_some(base)
}

/// Names of functions with the text of the strings between each and the next.
fn functions(code: &str, strings: &str) -> Vec<(String, String)> {
    let starts: Vec<usize> = code.match_indices("fn ").map(|(at, _)| at).collect();
    let ends = starts.iter().skip(1).copied().chain([code.len()]);
    let name = |start: usize| -> String {
        code[start + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    starts.iter().zip(ends).map(|(start, end)| (name(*start), strings[*start..end].to_owned())).collect()
}
