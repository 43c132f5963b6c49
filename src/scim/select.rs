//! Pure: PATCH of the values that a filter selects: `emails[type eq "work"]`, `members[value eq "id"]`, with or without a
//! sub-attribute behind (RFC 7644 §3.5.2).
//!
//! Add and Replace where nothing matches: the RFC wants `noTarget`. Entra ID adds a work address this way, so a filter of
//! equalities makes the value it describes, if the attribute isn't `members`; any other filter is `noTarget`.
//! Remove where nothing matches changes nothing: clients repeat removals.

use serde_json::{Map, Value};

use super::attribute::{Attribute, AttributeType, Mutability};
use super::change::{Change, elements, settle_primary};
use super::error::ScimError;
use super::filter::{Filter, Operator, literal_text};
use super::matching;
use super::patch::OperationKind;
use super::resource::Resource;
use super::values::{self, Source};

impl Change<'_> {
    /// The values that `filter` selects, or their sub-attribute.
    pub(super) fn selected(
        &self,
        filter: &Filter,
        sub: Option<&Attribute>,
        before: Option<Value>,
    ) -> Result<Option<Value>, ScimError> {
        let mut elements = elements(before);
        let is_hit = |index: &usize| matching::selects(filter, self.attribute, &elements[*index]);
        let hits: Vec<usize> = (0..elements.len()).filter(is_hit).collect();
        if self.kind == OperationKind::Remove {
            return self.without(elements, &hits, sub);
        }
        if hits.is_empty() {
            if self.value.is_none_or(Value::is_null) {
                return Ok(self.assembled(elements));
            }
            let created = self.created(filter, sub, !elements.is_empty())?;
            elements.push(created);
            self.require_few(&elements)?;
            let last = elements.len() - 1;
            settle_primary(self.attribute, &mut elements, &[last]);
            return Ok(self.assembled(elements));
        }
        for index in &hits {
            let element = self.changed(filter, sub, elements[*index].take())?;
            elements[*index] = element;
        }
        settle_primary(self.attribute, &mut elements, &hits);
        Ok(self.assembled(elements))
    }

    fn without(
        &self,
        mut elements: Vec<Value>,
        hits: &[usize],
        sub: Option<&Attribute>,
    ) -> Result<Option<Value>, ScimError> {
        for index in hits {
            match (sub, &mut elements[*index]) {
                (Some(sub), Value::Object(parts)) => self.set(sub, parts)?,
                (_, element) => *element = Value::Object(Map::new()),
            }
        }
        Ok(self.assembled(elements))
    }

    fn created(&self, filter: &Filter, sub: Option<&Attribute>, has_others: bool) -> Result<Value, ScimError> {
        let no_target = || ScimError::no_target(format!("no value of {} matches the filter of the path", self.label));
        if self.attribute.name == "members" || (has_others && !self.attribute.multi_valued) {
            return Err(no_target());
        }
        let mut parts = described(self.attribute, filter).ok_or_else(no_target)?;
        match sub {
            Some(sub) => self.set(sub, &mut parts)?,
            None => parts.extend(self.one()?),
        }
        Ok(Value::Object(parts))
    }

    fn changed(&self, filter: &Filter, sub: Option<&Attribute>, before: Value) -> Result<Value, ScimError> {
        let Value::Object(before) = before else { return self.plain() };
        let mut after = match (self.kind, sub) {
            (OperationKind::Replace, None) => described(self.attribute, filter).unwrap_or_default(),
            _ => before.clone(),
        };
        match sub {
            Some(sub) => self.set(sub, &mut after)?,
            None if self.kind == OperationKind::Replace && self.value.is_none_or(Value::is_null) => after.clear(),
            None => after.extend(self.one()?),
        }
        self.keep_immutable(&before, &mut after)?;
        Ok(Value::Object(after))
    }

    /// One value without sub-attributes: `tags[value eq "old"]`. None leaves nothing, which `assembled` drops.
    fn plain(&self) -> Result<Value, ScimError> {
        let value = self.value.cloned().unwrap_or(Value::Null);
        let after = values::element(self.attribute, self.label, value, Source::Request)?;
        Ok(after.unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// The operation's value as one value of the attribute; it may stand alone in an array.
    fn one(&self) -> Result<Resource, ScimError> {
        let value = match self.value {
            Some(Value::Array(items)) if items.len() == 1 => &items[0],
            Some(value) => value,
            None => return Ok(Map::new()),
        };
        match values::element(self.attribute, self.label, value.clone(), Source::Request)? {
            Some(Value::Object(parts)) => Ok(parts),
            _ => Ok(Map::new()),
        }
    }

    fn keep_immutable(&self, before: &Resource, after: &mut Resource) -> Result<(), ScimError> {
        if after.is_empty() {
            return Ok(());
        }
        for sub in self.attribute.sub_attributes.iter().filter(|sub| sub.mutability == Mutability::Immutable) {
            let Some(kept) = before.get(&sub.name) else { continue };
            if *after.entry(sub.name.clone()).or_insert_with(|| kept.clone()) != *kept {
                return Err(ScimError::mutability(format!("{}.{} can't be changed", self.label, sub.name)));
            }
        }
        Ok(())
    }
}

/// The value that a filter of equalities describes.
fn described(attribute: &Attribute, filter: &Filter) -> Option<Resource> {
    match filter {
        Filter::Compare { path, operator: Operator::Eq, value } if path.urn.is_none() && path.sub.is_none() => {
            let sub = attribute.sub(&path.name).filter(|sub| sub.mutability != Mutability::ReadOnly)?;
            let literal = match sub.kind {
                AttributeType::String | AttributeType::Reference => Value::String(literal_text(value)?.into_owned()),
                _ => value.clone(),
            };
            let value = values::attribute(sub, &sub.name, literal, Source::Request).ok().flatten()?;
            Some(Map::from_iter([(sub.name.clone(), value)]))
        }
        Filter::And(parts) => parts.iter().try_fold(Map::new(), |mut whole, part| {
            whole.extend(described(attribute, part)?);
            Some(whole)
        }),
        _ => None,
    }
}
