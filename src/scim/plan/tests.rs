use serde_json::json;

use super::*;
use crate::base::clock::parse_rfc3339;
use crate::scim::filter::parse;
use crate::scim::matching::matches;

fn of(text: &str, kind: ResourceType) -> Vec<Key> {
    keys(Some(&parse(text).expect(text)), kind.definition())
}

fn user(text: &str) -> Vec<Key> {
    of(text, ResourceType::User)
}

fn group(text: &str) -> Vec<Key> {
    of(text, ResourceType::Group)
}

#[test]
fn case_48_equalities_are_looked_up() {
    assert_eq!(user("userName eq \"ANN@Corp.test\""), [Key::UserName("ann@corp.test".into())]);
    assert_eq!(user("urn:ietf:params:scim:schemas:core:2.0:User:USERNAME eq x"), [Key::UserName("x".into())]);
    assert_eq!(user("externalId eq jyoung"), [Key::ExternalId("jyoung".into())]);
    assert_eq!(user("externalId eq 12345"), [Key::ExternalId("12345".into())]);
    assert_eq!(user("id eq \"U\""), [Key::Id("U".into())]);
    for text in [
        "emails[type eq \"work\"].value eq \"Ann@corp.test\"",
        "Emails[Type eq \"Work\" and value eq \"ann@corp.test\"]",
        "emails.value eq \"ann@corp.test\"",
        "emails eq \"ann@corp.test\"",
    ] {
        assert_eq!(user(text), [Key::Email("ann@corp.test".into())], "{text}");
    }
    assert_eq!(user("groups eq \"G\""), [Key::Group("G".into())]);
    assert_eq!(user("groups[value eq \"G\"]"), [Key::Group("G".into())]);
    assert_eq!(group("members.value eq \"U\""), [Key::Member("U".into())]);
    assert_eq!(group("displayName sw \"Adm\""), [Key::DisplayNamePrefix("adm".into())]);
    assert_eq!(user("userName sw \"J\""), [Key::UserNamePrefix("j".into())]);
}

#[test]
fn case_10_instants_are_ranges() {
    let at = |text: &str| parse_rfc3339(text).expect("an instant");
    let (from, to) = (at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"));
    let both = "meta.lastModified ge \"2026-01-01T00:00:00Z\" and meta.lastModified lt \"2026-02-01T01:00:00+01:00\"";
    assert_eq!(user(both), [Key::Changed(Instants { from, to })]);
    assert_eq!(
        user("meta[lastModified gt \"2026-01-01T00:00:00.0009Z\"]"),
        [Key::Changed(Instants { from, to: i64::MAX })]
    );
    assert_eq!(group("meta.created le \"2026-02-01T00:00:00Z\""), [Key::Created(Instants { from: i64::MIN, to })]);
    assert!(user("meta.created ge \"never\"").is_empty());
    assert_eq!(user("meta.created ge 2026"), [Key::Every]);
    assert_eq!(user("meta.created ne \"2026-02-01T00:00:00Z\""), [Key::Every]);
}

#[test]
fn case_11_and_takes_the_best_part_and_or_takes_all() {
    assert_eq!(group("id eq \"g\" and members eq \"u\""), [Key::Id("g".into())]);
    assert_eq!(user("title co \"x\" and (active eq true and userName eq \"b\")"), [Key::UserName("b".into())]);
    let either = [Key::UserName("a".into()), Key::ExternalId("b".into())];
    assert_eq!(user("externalId eq \"b\" or userName eq \"a\" or userName eq \"A\""), either);
    assert_eq!(user("(externalId eq \"b\" or userName eq \"a\") and title pr"), either);
    assert_eq!(user("userName eq \"a\" or title pr"), [Key::Every]);
    let many: Vec<String> = (0..=MOST_KEYS).map(|number| format!("id eq \"{number}\"")).collect();
    assert_eq!(user(&many.join(" or ")), [Key::Every]);
    assert_eq!(user(&many[1..].join(" or ")).len(), MOST_KEYS);
    let wide: Vec<String> = (0..=MOST_WIDE_KEYS).map(|number| format!("userName sw \"a{number}\"")).collect();
    assert_eq!(user(&wide.join(" or ")), [Key::Every]);
    assert_eq!(user(&wide[1..].join(" or ")).len(), MOST_WIDE_KEYS);
}

#[test]
fn what_an_index_cannot_tell_is_looked_for_among_all() {
    for text in [
        "not (userName eq \"a\")",
        "userName ne \"a\"",
        "userName co \"a\"",
        "userName sw \"\"",
        "id pr",
        "externalId eq null",
        "groups.display eq \"g\"",
        "emails[not (value eq \"a\")]",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq \"x\"",
    ] {
        assert_eq!(user(text), [Key::Every], "{text}");
    }
}

#[test]
fn case_15_a_type_without_the_attribute_has_no_match() {
    assert!(group("userName eq \"a\"").is_empty());
    assert_eq!(group("userName pr or displayName eq \"a\""), [Key::DisplayName("a".into())]);
    assert!(group("userName sw \"a\" and displayName eq \"a\"").is_empty());
    assert!(group("emails[type eq \"work\"]").is_empty());
    assert_eq!(group("userName ne \"a\""), [Key::Every]);
    assert!(user("members eq \"a\"").is_empty());
}

/// What an index finds, said once more in terms of the resource.
fn finds(key: &Key, resource: &Value) -> bool {
    let text = |name: &str| resource[name].as_str();
    let folded = |name: &str| text(name).map(canonical::fold);
    let ids = |name: &str| {
        let values = resource[name].as_array().cloned().unwrap_or_default();
        values.iter().filter_map(|value| value["value"].as_str().map(str::to_owned)).collect::<Vec<String>>()
    };
    let within = |name: &str, range: &Instants| {
        let at = resource["meta"][name].as_str().and_then(parse_rfc3339).expect("every resource has it");
        (range.from..=range.to).contains(&at)
    };
    match key {
        Key::Id(id) => text("id") == Some(id.as_str()),
        Key::UserName(name) => folded("userName").as_ref() == Some(name),
        Key::ExternalId(id) => text("externalId") == Some(id.as_str()),
        Key::Email(address) => ids("emails").iter().any(|value| canonical::fold(value) == *address),
        Key::DisplayName(name) => folded("displayName").as_ref() == Some(name),
        Key::Member(id) => ids("members").contains(id),
        Key::Group(id) => ids("groups").contains(id),
        Key::UserNamePrefix(prefix) => folded("userName").is_some_and(|name| name.starts_with(prefix)),
        Key::DisplayNamePrefix(prefix) => folded("displayName").is_some_and(|name| name.starts_with(prefix)),
        Key::Changed(range) => within("lastModified", range),
        Key::Created(range) => within("created", range),
        Key::Every => true,
    }
}

/// A number below `bound`: the same ones in each run.
fn next(state: &mut u64, bound: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    usize::try_from((*state >> 33) % u64::try_from(bound).expect("small")).expect("small")
}

fn pick<'a>(state: &mut u64, among: &[&'a str]) -> &'a str {
    among[next(state, among.len())]
}

const WORDS: [&str; 8] = ["a", "A", "ab", "aB", "b", "straße", "STRASSE", ""];
const PATHS: [&str; 13] = [
    "userName",
    "displayName",
    "externalId",
    "id",
    "emails",
    "emails.value",
    "emails.type",
    "groups.value",
    "members",
    "members.value",
    "title",
    "meta.created",
    "meta.lastModified",
];
const INSTANTS: [&str; 5] = [
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:00:00.0005Z",
    "2026-01-01T01:00:00.001+01:00",
    "2026-01-02T00:00:00Z",
    "never",
];

fn random_filter(state: &mut u64, depth: usize) -> String {
    if depth > 0 && next(state, 3) > 0 {
        let (left, right) = (random_filter(state, depth - 1), random_filter(state, depth - 1));
        return match next(state, 5) {
            0 | 1 => format!("({left} and {right})"),
            2 | 3 => format!("({left} or {right})"),
            _ => format!("not ({left})"),
        };
    }
    let operator = pick(state, &["eq", "eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let path = pick(state, &PATHS);
    let word = if path.starts_with("meta") { pick(state, &INSTANTS) } else { pick(state, &WORDS) };
    match next(state, 12) {
        0 => format!("{path} pr"),
        1 => format!("{path} eq null"),
        2 => format!("{} eq 7", pick(state, &PATHS)),
        3 => format!("emails[type eq \"work\" and value {operator} \"{word}\"]"),
        4 => format!("members[value {operator} \"{word}\" or type pr]"),
        5 => format!("meta[created {operator} \"{}\"]", pick(state, &INSTANTS)),
        _ => format!("{path} {operator} \"{word}\""),
    }
}

fn random_resource(state: &mut u64) -> Value {
    let mut resource = json!({"id": pick(state, &WORDS), "meta": {
        "created": pick(state, &["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.001Z", "2026-01-02T00:00:00.000Z"]),
        "lastModified": pick(state, &["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.001Z"]),
    }});
    for name in ["userName", "displayName", "externalId", "title"] {
        if next(state, 3) > 0 {
            resource[name] = pick(state, &["a", "A", "aB", "straße", "7"]).into();
        }
    }
    for name in ["emails", "groups", "members"] {
        let values: Vec<Value> = (0..next(state, 3))
            .map(|_| json!({"value": pick(state, &WORDS), "type": pick(state, &["work", "home"])}))
            .collect();
        if !values.is_empty() {
            resource[name] = Value::Array(values);
        }
    }
    resource
}

/// The promise of this file, on twenty thousand filters: whatever matches is found by one of the keys.
#[test]
fn every_match_is_among_what_the_keys_find() {
    let mut state = 9_865;
    let (mut matched, mut narrowed) = (0, 0);
    for _ in 0..20_000 {
        let text = random_filter(&mut state, 3);
        let filter = parse(&text).expect(&text);
        for kind in ResourceType::ALL {
            let keys = keys(Some(&filter), kind.definition());
            narrowed += usize::from(!keys.contains(&Key::Every));
            for _ in 0..4 {
                let resource = random_resource(&mut state);
                if matches(&filter, kind, &resource) {
                    matched += 1;
                    assert!(keys.iter().any(|key| finds(key, &resource)), "{kind:?}: {text}: {keys:?}: {resource}");
                }
            }
        }
    }
    assert!(matched > 1_000 && narrowed > 1_000, "{matched} matches, {narrowed} look-ups prove little");
}
