//! Pure: what real clients write and the grammar of RFC 7644 doesn't have, rewritten into what it has, before `grammar.rs` parses:
//!
//! | sent | becomes |
//! | --- | --- |
//! | `emails[type eq "work"].value eq "x"` (Entra ID), also with `pr` | `emails[(type eq "work") and value eq "x"]` |
//! | `externalId eq jyoung` (Entra ID) | `externalId eq "jyoung"` |
//! | `members[value eq 'x']` | `members[value eq "x"]` |
//! | `active eq True` | `active eq true` |
//! | `not(title pr)` (RFC 7644 figure 1) | `not (title pr)` |
//! | `manager.$ref` (RFC 7643 §2.1 has `$` in names, RFC 7644 has not) | a stand-in that `grammar.rs` takes back |
//!
//! Anything else stays as it is, with single spaces, and anything left over is an error. Length and depth are judged here,
//! before the text reaches a parser.

use serde_json::{Number, Value};

/// The longest filter or path, in bytes.
pub(super) const LONGEST: usize = 8 * 1_024;
/// The most brackets open at once.
const DEEPEST: usize = 64;
/// How `$ref` passes the grammar.
pub(super) const REFERENCE: &str = "dollar_ref";

const OPERATORS: [&str; 9] = ["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"];
const NOT_GRAMMAR: &str = "does not follow the grammar of RFC 7644";

#[derive(Clone, Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    /// A JSON string literal.
    Text(String),
    Open,
    Close,
    OpenBracket,
    CloseBracket,
}

/// What may come next.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    Operand,
    Operator,
    Value,
    Joint,
}

/// Rewrites a filter. The error reads on after "the filter".
pub(super) fn filter(text: &str) -> Result<String, &'static str> {
    Writer::default().write(&tokens(text)?)
}

/// Rewrites the path of a PATCH operation. The error reads on after "the path".
pub(super) fn path(text: &str) -> Result<String, &'static str> {
    match tokens(text)?.as_slice() {
        [Token::Word(word)] => Ok(attribute(word)),
        [Token::Word(word), Token::OpenBracket, inner @ .., Token::CloseBracket] => {
            Ok(format!("{}[{}]", attribute(word), Writer::default().write(inner)?))
        }
        [Token::Word(word), Token::OpenBracket, inner @ .., Token::CloseBracket, Token::Word(sub)]
            if sub.starts_with('.') =>
        {
            Ok(format!("{}[{}]{}", attribute(word), Writer::default().write(inner)?, attribute(sub)))
        }
        _ => Err(NOT_GRAMMAR),
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, &'static str> {
    if text.len() > LONGEST {
        return Err("is longer than 8 KiB");
    }
    let mut found = Vec::new();
    let mut depth = 0_usize;
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '[' => (Token::OpenBracket, 1),
            ']' => (Token::CloseBracket, 1),
            '"' => double_quoted(rest)?,
            '\'' => single_quoted(rest)?,
            _ => word(rest),
        };
        match &token {
            Token::Open | Token::OpenBracket => depth += 1,
            Token::Close | Token::CloseBracket => depth = depth.saturating_sub(1),
            Token::Word(_) | Token::Text(_) => {}
        }
        if depth > DEEPEST {
            return Err("is nested too deeply");
        }
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

fn double_quoted(rest: &str) -> Result<(Token<'_>, usize), &'static str> {
    let mut escaped = false;
    for (index, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Ok((Token::Text(rest[..=index].to_owned()), index + 1)),
            _ => {}
        }
    }
    Err("has a quoted value without its end")
}

fn single_quoted(rest: &str) -> Result<(Token<'_>, usize), &'static str> {
    let end = rest[1..].find('\'').ok_or("has a quoted value without its end")?;
    Ok((Token::Text(quoted(&rest[1..=end])), end + 2))
}

fn word(rest: &str) -> (Token<'_>, usize) {
    let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"')).unwrap_or(rest.len());
    (Token::Word(&rest[..end]), end)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn attribute(word: &str) -> String {
    match word.strip_suffix("$ref") {
        Some(before) if before.is_empty() || before.ends_with(['.', ':']) => format!("{before}{REFERENCE}"),
        _ => word.to_owned(),
    }
}

/// A value without quotes: a JSON literal, or text.
fn literal(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    match lower.as_str() {
        "true" | "false" | "null" => lower,
        _ if serde_json::from_str::<Number>(word).is_ok() => word.to_owned(),
        _ => quoted(word),
    }
}

/// Writes tokens as the grammar wants them: one space around words, none after an opening or before a closing bracket.
#[derive(Default)]
struct Writer {
    out: String,
    /// Where the contents of the open `[` begin.
    bracket: Option<usize>,
    /// Behind `[…].sub`: the `]` is still to be written.
    behind: bool,
}

impl Writer {
    fn write(mut self, tokens: &[Token<'_>]) -> Result<String, &'static str> {
        let mut expected = Expected::Operand;
        let mut tokens = tokens.iter().peekable();
        while let Some(token) = tokens.next() {
            expected = match (expected, token) {
                (Expected::Operand, Token::Open) => self.push("(", Expected::Operand),
                (Expected::Operand, Token::Word(word))
                    if word.eq_ignore_ascii_case("not") && tokens.peek() == Some(&&Token::Open) =>
                {
                    self.push("not ", Expected::Operand)
                }
                (Expected::Operand, Token::Word(word)) => self.push(&attribute(word), Expected::Operator),
                (Expected::Operator, Token::OpenBracket) if self.bracket.is_none() => self.open_bracket(),
                (Expected::Operator, Token::Word(word)) => self.operator(word)?,
                (Expected::Value, Token::Text(text)) => self.complete(text),
                (Expected::Value, Token::Word(word)) => self.complete(&literal(word)),
                (Expected::Joint, Token::Close) => self.push(")", Expected::Joint),
                (Expected::Joint, Token::CloseBracket) => {
                    let behind = tokens.next_if(|next| matches!(next, Token::Word(word) if word.starts_with('.')));
                    self.close_bracket(behind)?
                }
                (Expected::Joint, Token::Word(word)) => self.joint(word)?,
                _ => return Err(NOT_GRAMMAR),
            };
        }
        if expected == Expected::Joint && self.bracket.is_none() { Ok(self.out) } else { Err(NOT_GRAMMAR) }
    }

    fn push(&mut self, text: &str, next: Expected) -> Expected {
        self.out.push_str(text);
        next
    }

    fn open_bracket(&mut self) -> Expected {
        self.bracket = Some(self.out.len() + 1);
        self.push("[", Expected::Operand)
    }

    fn operator(&mut self, word: &str) -> Result<Expected, &'static str> {
        let word = word.to_ascii_lowercase();
        if word == "pr" {
            return Ok(self.complete(" pr"));
        }
        if !OPERATORS.contains(&word.as_str()) {
            return Err("has an operator that does not exist");
        }
        Ok(self.push(&format!(" {word} "), Expected::Value))
    }

    fn complete(&mut self, text: &str) -> Expected {
        self.out.push_str(text);
        if self.behind {
            self.out.push(']');
            self.bracket = None;
            self.behind = false;
        }
        Expected::Joint
    }

    fn close_bracket(&mut self, behind: Option<&Token<'_>>) -> Result<Expected, &'static str> {
        let start = self.bracket.ok_or(NOT_GRAMMAR)?;
        if let Some(Token::Word(sub)) = behind {
            self.out.insert(start, '(');
            self.behind = true;
            return Ok(self.push(&format!(") and {}", attribute(&sub[1..])), Expected::Operator));
        }
        self.bracket = None;
        Ok(self.push("]", Expected::Joint))
    }

    fn joint(&mut self, word: &str) -> Result<Expected, &'static str> {
        let word = word.to_ascii_lowercase();
        if !matches!(word.as_str(), "and" | "or") {
            return Err(NOT_GRAMMAR);
        }
        Ok(self.push(&format!(" {word} "), Expected::Operand))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn becomes(sent: &str, wanted: &str) {
        assert_eq!(filter(sent).as_deref(), Ok(wanted), "{sent}");
    }

    #[test]
    fn case_48_the_forms_of_real_clients_become_grammar() {
        becomes(r#"emails[type eq "work"].value eq "x""#, r#"emails[(type eq "work") and value eq "x"]"#);
        becomes(
            r#"a pr and emails[type eq "a" or type eq "b"].value co "x" and b pr"#,
            r#"a pr and emails[(type eq "a" or type eq "b") and value co "x"] and b pr"#,
        );
        becomes(r#"emails[type eq "work"].value pr"#, r#"emails[(type eq "work") and value pr]"#);
        becomes("externalId eq jyoung", r#"externalId eq "jyoung""#);
        becomes("externalId eq 123e4567-e89b", r#"externalId eq "123e4567-e89b""#);
        becomes("userName eq o'brien@corp.test", r#"userName eq "o'brien@corp.test""#);
        becomes("a EQ 'it \"is\"' AND b eq True", r#"a eq "it \"is\"" and b eq true"#);
        becomes("not(title pr)", "not (title pr)");
        becomes("  NOT  ( ( primary pr ) )  ", "not ((primary pr))");
        becomes("a eq 12.5 or b eq null", "a eq 12.5 or b eq null");
        becomes(r#"members.$ref eq "x""#, r#"members.dollar_ref eq "x""#);
    }

    #[test]
    fn what_is_left_over_is_an_error() {
        let lines = r#"
            a
            a eq
            a xx "b"
            a eq b c
            a eq "b
            a eq 'b
            a eq (b)
            a pr and
            emails]
            emails[type eq "x"
            emails[type eq "x"].value
            emails[].value pr
            emails[type pr].value[x pr]
            a[b[c pr]]
            [a pr]
            .value pr junk
        "#;
        for bad in lines.lines().map(str::trim) {
            assert!(filter(bad).is_err(), "{bad:?} became {:?}", filter(bad));
        }
    }

    #[test]
    fn paths_keep_their_shape() {
        assert_eq!(path("emails[type eq 'work'].value").as_deref(), Ok(r#"emails[type eq "work"].value"#));
        assert_eq!(path(" urn:x:User:manager.$ref ").as_deref(), Ok("urn:x:User:manager.dollar_ref"));
        for bad in ["", "a b", "a[b pr] c", "a[b pr", "a[b pr]]", "[b pr]"] {
            assert!(path(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn case_56_size_and_depth_are_judged_before_parsing() {
        assert_eq!(filter(&"a".repeat(LONGEST + 1)), Err("is longer than 8 KiB"));
        assert_eq!(filter(&format!("{}title pr{}", "(".repeat(65), ")".repeat(65))), Err("is nested too deeply"));
        assert_eq!(filter(&"(".repeat(2_000)), Err("is nested too deeply"));
    }
}
