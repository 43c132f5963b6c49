//! Pure: reads the forms and tags of one of our own pages, as far as the tests need it. It is no HTML parser: it trusts
//! that attributes are quoted and that text has no bare `<`, which is what a template engine writes.

/// One start tag.
#[derive(Clone, Debug)]
pub struct Tag {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    /// Where the text after the tag begins.
    end: usize,
}

/// One form with the fields that a browser would post.
#[derive(Clone, Debug)]
pub struct Form {
    pub action: String,
    pub method: String,
    pub fields: Vec<Field>,
}

/// One named control.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub value: String,
    /// False for a box or radio button that is not ticked: it isn't posted.
    pub posted: bool,
}

impl Tag {
    /// An attribute's value, its entities decoded; empty if it has none; `None` if it isn't there.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Form {
    /// The same form with a field filled in; fails if the page doesn't have it.
    #[track_caller]
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|field| field.name == name);
        let field = field.unwrap_or_else(|| panic!("the form has no field {name}"));
        field.value = value.to_owned();
        field.posted = true;
        self
    }

    /// The same form without a field, or with none to leave out.
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|field| field.name != name);
        self
    }

    /// A field's value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|field| field.name == name).map(|field| field.value.as_str())
    }

    /// What a browser would post.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.fields
            .iter()
            .filter(|field| field.posted)
            .map(|field| (field.name.as_str(), field.value.as_str()))
            .collect()
    }
}

/// Every start tag of a page, in order.
pub fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(offset) = html[at..].find('<') {
        let start = at + offset + 1;
        at = start;
        if html[start..].starts_with("!--") {
            at = html[start..].find("-->").map_or(html.len(), |end| start + end + 3);
        } else if html[start..].starts_with(|first: char| first.is_ascii_alphabetic()) {
            let tag = tag(html, start);
            at = tag.end;
            found.push(tag);
        }
    }
    found
}

/// Every form of a page.
pub fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    for tag in tags(html) {
        if tag.name == "form" {
            let text = |name: &str| tag.attribute(name).unwrap_or_default().to_owned();
            forms.push(Form {
                action: text("action"),
                method: text("method").to_ascii_lowercase(),
                fields: Vec::new(),
            });
        } else if let (Some(form), Some(field)) = (forms.last_mut(), field(html, &tag)) {
            form.fields.push(field);
        }
    }
    forms
}

fn field(html: &str, tag: &Tag) -> Option<Field> {
    let name = tag.attribute("name")?.to_owned();
    let mut value = tag.attribute("value").unwrap_or_default().to_owned();
    let mut kind = tag.attribute("type").unwrap_or("text").to_owned();
    match tag.name.as_str() {
        "input" => {}
        "textarea" | "select" => {
            kind.clone_from(&tag.name);
            let content = &html[tag.end..];
            let content = &content[..content.find(&format!("</{kind}")).unwrap_or(content.len())];
            value = if kind == "select" { selected(content) } else { decode(content.trim_start_matches('\n')) };
        }
        _ => return None,
    }
    let ticked = tag.attribute("checked").is_some();
    let posted = match kind.as_str() {
        "checkbox" | "radio" => ticked,
        "submit" | "button" | "file" => false,
        _ => true,
    };
    Some(Field { name, value, posted })
}

fn selected(options: &str) -> String {
    let options: Vec<Tag> = tags(options).into_iter().filter(|tag| tag.name == "option").collect();
    let chosen = options.iter().find(|option| option.attribute("selected").is_some()).or(options.first());
    chosen.and_then(|option| option.attribute("value")).unwrap_or_default().to_owned()
}

fn tag(html: &str, start: usize) -> Tag {
    let bytes = html.as_bytes();
    let word = |mut at: usize, stop: &[u8]| {
        while at < bytes.len() && !stop.contains(&bytes[at]) && !bytes[at].is_ascii_whitespace() {
            at += 1;
        }
        at
    };
    let mut at = word(start, b">/");
    let mut tag = Tag { name: html[start..at].to_ascii_lowercase(), attributes: Vec::new(), end: html.len() };
    while at < bytes.len() {
        if bytes[at] == b'>' {
            tag.end = at + 1;
            break;
        }
        let name_end = word(at, b"=>/");
        if name_end == at {
            at += 1;
            continue;
        }
        let name = html[at..name_end].to_ascii_lowercase();
        at = name_end;
        let mut value = String::new();
        if bytes.get(at) == Some(&b'=') {
            let quote = bytes.get(at + 1).copied().filter(|byte| matches!(byte, b'"' | b'\''));
            let from = at + 1 + usize::from(quote.is_some());
            let to = match quote {
                Some(quote) => html[from..].find(char::from(quote)).map_or(html.len(), |length| from + length),
                None => word(from, b">"),
            };
            value = decode(&html[from..to]);
            at = (to + usize::from(quote.is_some())).min(html.len());
        }
        tag.attributes.push((name, value));
    }
    tag
}

/// The entities that a template engine writes.
fn decode(text: &str) -> String {
    let mut decoded = text.to_owned();
    for (entity, plain) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ] {
        decoded = decoded.replace(entity, plain);
    }
    decoded
}
