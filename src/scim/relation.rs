//! Pure: what belongs to a resource and is kept elsewhere: the groups of a user, the members of a group. It may be much, so it is
//! read only if an answer shows it or a filter asks for it, and of a large group only the members that a filter names.

use super::filter::{Filter, Operator, literal_text};
use super::path::AttributePath;
use super::projection::Projection;
use super::schema::{Definition, ResourceType, Target};

/// Ids that are looked up one by one, at the most.
const MOST_IDS: usize = 8;

/// How much of a relation has to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Needed {
    Nothing,
    /// Whether these are among it; ids as a client wrote them.
    Those(Vec<String>),
    Everything,
}

impl Needed {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, needed) | (needed, Self::Nothing) => needed,
            (Self::Those(mut ids), Self::Those(more)) => {
                ids.extend(more);
                ids.sort();
                ids.dedup();
                if ids.len() > MOST_IDS { Self::Everything } else { Self::Those(ids) }
            }
            _ => Self::Everything,
        }
    }
}

/// The attribute that shows the relation.
pub fn attribute(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::User => "groups",
        ResourceType::Group => "members",
    }
}

/// What an answer shows. The version of a user, in `meta`, covers the groups.
pub fn shown(kind: ResourceType, projection: &Projection) -> Needed {
    let is_covered = kind == ResourceType::User && projection.shows("meta");
    if is_covered || projection.shows(attribute(kind)) { Needed::Everything } else { Needed::Nothing }
}

/// What it takes to judge a filter and to sort.
pub fn judged(filter: Option<&Filter>, sort_by: Option<&str>, definition: &Definition) -> Needed {
    let sorted = match sort_by.and_then(|path| definition.resolve(path)) {
        Some(Target::Attribute(place))
            if place.extension.is_none() && place.attribute.name == attribute(definition.kind) =>
        {
            Needed::Everything
        }
        _ => Needed::Nothing,
    };
    filter.map_or(Needed::Nothing, |filter| of_filter(filter, definition)).and(sorted)
}

fn of_filter(filter: &Filter, definition: &Definition) -> Needed {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter().map(|part| of_filter(part, definition)).fold(Needed::Nothing, Needed::and)
        }
        Filter::Not(inner) => of_filter(inner, definition),
        Filter::Compare { path, .. } | Filter::Present(path) | Filter::ValuePath { path, .. }
            if !is_relation(path, definition) =>
        {
            Needed::Nothing
        }
        Filter::Compare { path, operator: Operator::Eq, value } if path.sub.as_deref().is_none_or(is_value) => {
            literal_text(value).map_or(Needed::Everything, |id| Needed::Those(vec![id.into_owned()]))
        }
        Filter::ValuePath { filter, .. } => of_values(filter),
        Filter::Compare { .. } | Filter::Present(_) => Needed::Everything,
    }
}

/// Only values that fulfil one of the equalities can fulfil the filter in the brackets.
fn of_values(filter: &Filter) -> Needed {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().map(of_values).fold(Needed::Nothing, Needed::and),
        Filter::Compare { path, operator: Operator::Eq, value } if is_value(&path.name) => {
            literal_text(value).map_or(Needed::Everything, |id| Needed::Those(vec![id.into_owned()]))
        }
        _ => Needed::Everything,
    }
}

fn is_relation(path: &AttributePath, definition: &Definition) -> bool {
    let place = definition.place(path.urn.as_deref(), &path.name, path.sub.as_deref());
    place.is_some_and(|place| place.extension.is_none() && place.attribute.name == attribute(definition.kind))
}

fn is_value(name: &str) -> bool {
    name.eq_ignore_ascii_case("value")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scim::filter::parse;

    fn group(text: &str) -> Needed {
        judged(Some(&parse(text).expect(text)), None, ResourceType::Group.definition())
    }

    fn those(ids: &[&str]) -> Needed {
        Needed::Those(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    #[test]
    fn members_are_read_as_far_as_the_filter_asks() {
        assert_eq!(group("displayName eq \"a\" or externalId pr"), Needed::Nothing);
        assert_eq!(group("id eq \"g\" and members eq \"a\""), those(&["a"]));
        assert_eq!(group("not (Members.Value eq \"a\") or members[value eq \"b\"]"), those(&["a", "b"]));
        for text in [
            "members pr",
            "members ne \"a\"",
            "members eq null",
            "members[not (value eq \"a\")]",
            "members.type eq User",
        ] {
            assert_eq!(group(text), Needed::Everything, "{text}");
        }
        let many: Vec<String> = (0..=MOST_IDS).map(|number| format!("members eq \"{number}\"")).collect();
        assert_eq!(group(&many.join(" or ")), Needed::Everything);
        let sorted = judged(None, Some("groups.display"), ResourceType::User.definition());
        assert_eq!(sorted, Needed::Everything);
    }

    #[test]
    fn case_47_what_is_not_shown_is_not_read() {
        let excluded = Projection::parse(None, Some("members")).expect("one list");
        assert_eq!(shown(ResourceType::Group, &excluded), Needed::Nothing);
        assert_eq!(shown(ResourceType::User, &excluded), Needed::Everything);
        let covered = Projection::parse(None, Some("groups")).expect("one list");
        assert_eq!(shown(ResourceType::User, &covered), Needed::Everything);
        let named = Projection::parse(Some("userName"), None).expect("one list");
        assert_eq!(shown(ResourceType::User, &named), Needed::Nothing);
    }
}
