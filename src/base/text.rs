//! Pure: small rules about text from outside: lengths, control characters, hexadecimal.

/// `text` trimmed, if it has 1 to `longest` characters and no control character but line breaks and tabs.
pub fn line(text: &str, longest: usize) -> Option<&str> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= longest;
    (fits && !text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'))).then_some(text)
}

/// At most `longest` characters of `text`, control characters as spaces: for headers that are kept for people to read.
pub fn clipped(text: &str, longest: usize) -> String {
    text.chars().take(longest).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The `LIKE … ESCAPE '!'` pattern of texts that contain `part`; nothing in `part` is a wildcard.
pub fn containing(part: &str) -> String {
    let mut pattern = String::from("%");
    for character in part.chars() {
        if matches!(character, '!' | '%' | '_') {
            pattern.push('!');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| DIGITS[usize::from(digit)]).collect()
}

/// A path on our own origin to go to after sign-in, or `/console`: anything a browser could read as another site is dropped.
pub fn local_path(candidate: Option<&str>) -> String {
    let fallback = || "/console".to_owned();
    let Some(path) = candidate else { return fallback() };
    let plain = path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 2_000
        && path.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'\\');
    if plain { path.to_owned() } else { fallback() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_no_wildcards_of_its_text() {
        assert_eq!(containing("50%_!x"), "%50!%!_!!x%");
    }

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex(&[0, 9, 10, 0xab, 0xff]), "00090aabff");
    }

    #[test]
    fn only_paths_of_our_own_origin_pass() {
        for bad in
            ["//evil", "/\\evil", "https:evil", "javascript:x", "/\tx", "/ x", "", "x", "\u{2028}", "/a\r\nb", "/é"]
        {
            assert_eq!(local_path(Some(bad)), "/console", "{bad:?}");
        }
        assert_eq!(local_path(Some("/a/b?c=d#e")), "/a/b?c=d#e");
        assert_eq!(local_path(None), "/console");
    }
}
