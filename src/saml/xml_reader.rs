//! Pure: reads a document into [`Element`]s, and refuses what two XML parsers could read differently.
//!
//! quick-xml cuts the text into events and matches end tags; it tolerates much else, and the library that verifies
//! signatures recovers from much more. So everything else is checked here and in `xml_tag.rs`: what passes is
//! well-formed, and every conforming parser sees the same tree in it.

use std::borrow::Cow;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::refusal::{Refusal, quoted};
use super::xml::Element;
use super::xml_tag::{self, SPACE, Scopes};

/// Longest document, in octets.
const MAX_OCTETS: usize = 512 * 1024;
const MAX_DEPTH: usize = 64;
/// Both verifiers walk over them once for every certificate that is tried.
const MAX_ELEMENTS: usize = 8_000;
/// Tags of as many elements, and an XML declaration.
const MAX_TAGS: usize = 2 * MAX_ELEMENTS + 1;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comments {
    Refused,
    Dropped,
}

/// Reads a protocol message: UTF-8 without byte order mark (no identity provider is known to write one), no comment.
pub fn read_message(octets: &[u8]) -> Result<Element, Refusal> {
    check_length(octets.len())?;
    let text = utf8(octets)?;
    Refusal::unless(!text.starts_with('\u{feff}'), "gate.byte-order-mark", "the message begins with one")?;
    // Every element has at most two tags: what has more than that, no tree needs to be made of.
    let tags = octets.iter().filter(|octet| **octet == b'<').count();
    Refusal::unless(tags <= MAX_TAGS, "gate.too-many-elements", "over 8,000 elements")?;
    read(text, Comments::Refused)
}

/// Reads metadata, which people edit and comment. A byte order mark and comments are dropped.
pub fn read_metadata(text: &str) -> Result<Element, Refusal> {
    check_length(text.len())?;
    read(text.strip_prefix('\u{feff}').unwrap_or(text), Comments::Dropped)
}

fn check_length(octets: usize) -> Result<(), Refusal> {
    Refusal::unless(octets <= MAX_OCTETS, "gate.too-large", "the document is longer than 512 KiB")
}

fn read(text: &str, comments: Comments) -> Result<Element, Refusal> {
    if let Some(c) = text.chars().find(|c| !xml_tag::is_xml_character(*c)) {
        return Err(Refusal::new("gate.character", format!("U+{:04X} is not allowed in XML", u32::from(c))));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let mut tree = Tree::default();
    loop {
        let at_start = reader.buffer_position() == 0;
        let event = reader.read_event().map_err(|error| not_well_formed(&error.to_string()))?;
        match event {
            Event::Start(tag) => tree.open(&tag)?,
            Event::Empty(tag) => {
                tree.open(&tag)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(run) => tree.text(utf8(&run)?)?,
            Event::GeneralRef(name) => tree.reference(utf8(&name)?)?,
            Event::Decl(declaration) if at_start => check_declaration(utf8(&declaration)?)?,
            Event::Comment(_) if comments == Comments::Dropped => (),
            Event::Eof => return tree.finish(),
            other => return Err(forbidden(&other)),
        }
    }
}

fn not_well_formed(why: &str) -> Refusal {
    Refusal::new("gate.not-well-formed", format!("this is not well-formed XML: {}", quoted(why)))
}

fn forbidden(event: &Event<'_>) -> Refusal {
    match event {
        Event::DocType(_) => Refusal::new("gate.doctype", "a document type declaration"),
        Event::Comment(_) => Refusal::new("gate.comment", "a comment"),
        Event::CData(_) => Refusal::new("gate.cdata", "a CDATA section"),
        _ => Refusal::new("gate.processing-instruction", "a processing instruction or a late XML declaration"),
    }
}

fn utf8(octets: &[u8]) -> Result<&str, Refusal> {
    std::str::from_utf8(octets).map_err(|_| Refusal::new("gate.encoding", "the document is not UTF-8"))
}

/// `xml version="1.0" encoding="UTF-8" standalone="…"`, the latter two at will (XML 1.0 production 23).
fn check_declaration(content: &str) -> Result<(), Refusal> {
    let fields = xml_tag::attributes(content.strip_prefix("xml").unwrap_or(content))?;
    let order: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    let known = matches!(
        order.as_slice(),
        ["version"] | ["version", "encoding"] | ["version", "standalone"] | ["version", "encoding", "standalone"]
    );
    let right = fields.iter().all(|(name, value)| match *name {
        "version" => value == "1.0",
        "encoding" => value.eq_ignore_ascii_case("utf-8"),
        _ => matches!(value.as_str(), "yes" | "no"),
    });
    Refusal::unless(known && right, "gate.xml-declaration", "only XML 1.0 in UTF-8 is read")
}

/// The tree under construction.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    scopes: Scopes,
    elements: usize,
}

impl Tree {
    fn open(&mut self, tag: &BytesStart<'_>) -> Result<(), Refusal> {
        self.elements += 1;
        Refusal::unless(self.root.is_none(), "gate.second-root", "an element behind the root element")?;
        Refusal::unless(self.elements <= MAX_ELEMENTS, "gate.too-many-elements", "over 8,000 elements")?;
        Refusal::unless(self.open.len() < MAX_DEPTH, "gate.too-deep", "elements are nested over 64 deep")?;
        let attributes = xml_tag::attributes(utf8(tag.attributes_raw())?)?;
        let element = self.scopes.enter(utf8(tag.name().into_inner())?, attributes)?;
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Refusal> {
        let element =
            self.open.pop().ok_or_else(|| Refusal::new("gate.not-well-formed", "an end tag without start tag"))?;
        self.scopes.leave();
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, run: &str) -> Result<(), Refusal> {
        Refusal::unless(!run.contains("]]>"), "gate.not-well-formed", "]]> in text")?;
        match self.open.last_mut() {
            Some(element) => element.text.push_str(&with_plain_line_ends(run)),
            None if run.trim_matches(SPACE).is_empty() => (),
            None => return Err(self.outside_root("text outside the root")),
        }
        Ok(())
    }

    fn reference(&mut self, name: &str) -> Result<(), Refusal> {
        let expanded = xml_tag::expand(&format!("&{name};"))?;
        match self.open.last_mut() {
            Some(element) => element.text.push_str(&expanded),
            None => return Err(self.outside_root("a reference outside the root")),
        }
        Ok(())
    }

    /// What begins with something else than an element is more likely no XML at all.
    fn outside_root(&self, what: &str) -> Refusal {
        Refusal::new("gate.text-outside-root", if self.elements == 0 { "this is not XML" } else { what })
    }

    fn finish(self) -> Result<Element, Refusal> {
        Refusal::unless(self.open.is_empty(), "gate.not-well-formed", "the document ends within an element")?;
        self.root.ok_or_else(|| Refusal::new("gate.not-well-formed", "the document has no element"))
    }
}

/// Line ends as one line feed (XML 1.0 §2.11).
fn with_plain_line_ends(run: &str) -> Cow<'_, str> {
    if run.contains('\r') { Cow::Owned(run.replace("\r\n", "\n").replace('\r', "\n")) } else { Cow::Borrowed(run) }
}
