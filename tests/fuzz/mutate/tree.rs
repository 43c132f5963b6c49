//! Where the elements, attributes and texts of a document are: octets, found by a scan that takes anything and judges nothing.

use std::ops::Range;

/// An element, as its tags say it; of one that isn't closed, the start tag alone.
#[derive(Clone, Debug)]
pub struct Element {
    /// The qualified name in the start tag.
    pub name: Range<usize>,
    /// The start tag, or the whole of an empty one.
    pub tag: Range<usize>,
    /// The end tag, if there is one.
    pub close: Option<Range<usize>>,
    /// From the start tag to the end tag.
    pub whole: Range<usize>,
}

impl Element {
    /// The name without prefix.
    pub fn local<'a>(&self, text: &'a str) -> &'a str {
        let name = &text[self.name.clone()];
        name.split_once(':').map_or(name, |(_, local)| local)
    }

    /// What is between the tags.
    pub fn inside(&self) -> Option<Range<usize>> {
        self.close.as_ref().map(|close| self.tag.end..close.start)
    }
}

/// An attribute: all of it, its name, what is between its quotes.
#[derive(Clone, Debug)]
pub struct Attribute {
    pub whole: Range<usize>,
    pub name: Range<usize>,
    pub value: Range<usize>,
}

/// Every element, in the order of the start tags.
pub fn elements(text: &str) -> Vec<Element> {
    let bytes = text.as_bytes();
    let mut found: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('<').map(|offset| at + offset) {
        let Some(end) = tag_end(bytes, start) else { break };
        match bytes[start + 1] {
            b'/' => {
                if let Some(index) = open.pop() {
                    found[index].close = Some(start..end);
                    found[index].whole.end = end;
                }
            }
            b'!' | b'?' => {}
            _ => {
                let name = start + 1..name_end(bytes, start + 1, end);
                if bytes[end - 2] != b'/' {
                    open.push(found.len());
                }
                found.push(Element { name, tag: start..end, close: None, whole: start..end });
            }
        }
        at = end;
    }
    found
}

/// Every attribute of a start tag.
pub fn attributes(text: &str, element: &Element) -> Vec<Attribute> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = element.name.end;
    while at < element.tag.end {
        let Some(equals) = text[at..element.tag.end].find('=').map(|offset| at + offset) else { break };
        let start = bytes[at..equals].iter().rposition(u8::is_ascii_whitespace).map_or(at, |offset| at + offset + 1);
        let Some(quote) = bytes.get(equals + 1).copied().filter(|quote| matches!(quote, b'"' | b'\'')) else { break };
        let rest = &bytes[equals + 2..element.tag.end];
        let Some(length) = rest.iter().position(|byte| *byte == quote) else { break };
        let value = equals + 2..equals + 2 + length;
        found.push(Attribute { whole: start..value.end + 1, name: start..equals, value: value.clone() });
        at = value.end + 1;
    }
    found
}

/// Every run of text between two tags that is not empty.
pub fn texts(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find('<').map(|offset| at + offset) {
        if start > at {
            found.push(at..start);
        }
        let Some(end) = tag_end(bytes, start) else { break };
        at = end;
    }
    found
}

/// Behind the `>` that ends the tag, quotes minded. `None`: it doesn't end, or is hardly one.
fn tag_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut quote = None;
    for (offset, byte) in bytes[start..].iter().enumerate() {
        match (quote, *byte) {
            (None, b'>') => return Some(start + offset + 1).filter(|end| end - start > 2),
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    None
}

fn name_end(bytes: &[u8], start: usize, end: usize) -> usize {
    let stops = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
    bytes[start..end].iter().position(stops).map_or(end - 1, |offset| start + offset)
}

/// The text with something else in a range of it.
pub fn put(text: &str, range: Range<usize>, new: &str) -> String {
    [&text[..range.start], new, &text[range.end..]].concat()
}

#[test]
fn tags_and_attributes_are_found() {
    let text = r#"<?xml version="1.0"?><a:b c="1" d='>'><e/>x &amp; y<f g="">z</f></a:b>"#;
    let found = elements(text);
    let names: Vec<&str> = found.iter().map(|element| &text[element.name.clone()]).collect();
    assert_eq!(names, ["a:b", "e", "f"]);
    assert_eq!(found[0].local(text), "b");
    assert!(found[0].whole.end == text.len() && found[1].close.is_none());
    let values: Vec<&str> = attributes(text, &found[0]).iter().map(|one| &text[one.value.clone()]).collect();
    assert_eq!(values, ["1", ">"]);
    assert_eq!(&text[attributes(text, &found[2])[0].whole.clone()], "g=\"\"");
    let runs: Vec<&str> = texts(text).into_iter().map(|run| &text[run]).collect();
    assert_eq!(runs, ["x &amp; y", "z"]);
    assert!(elements("<a").is_empty() && texts("x<a").len() == 1);
}
