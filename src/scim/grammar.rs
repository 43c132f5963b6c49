//! Pure: the one door to the crate `scim_v2`, used for the grammars of filters and PATCH paths and for nothing else. Its types
//! end here: should it go stale, this file is what a parser of our own replaces. What it accepts too little of is
//! `normalise.rs`.

use scim_v2::filter as theirs;
use serde_json::Value;

use super::filter::{Filter, Operator};
use super::normalise::{self, REFERENCE};
use super::path::{AttributePath, Path};

const NOT_GRAMMAR: &str = "does not follow the grammar of RFC 7644";

/// Parses a filter. The error reads on after "the filter".
pub(super) fn filter(text: &str) -> Result<Filter, &'static str> {
    let parsed = normalise::filter(text)?.parse::<theirs::Filter>().map_err(|_| NOT_GRAMMAR)?;
    from_filter(parsed)
}

/// Parses the path of a PATCH operation. The error reads on after "the path".
pub(super) fn path(text: &str) -> Result<Path, &'static str> {
    let parsed = normalise::path(text)?.parse::<theirs::PatchPath>().map_err(|_| NOT_GRAMMAR)?;
    match parsed {
        theirs::PatchPath::Attr(attribute) => Ok(Path::Attribute(from_path(attribute))),
        theirs::PatchPath::Value(selected) if selected.attr.sub_attr.is_some() => {
            Err("selects among the values of a sub-attribute")
        }
        theirs::PatchPath::Value(selected) => Ok(Path::Values {
            attribute: from_path(selected.attr),
            filter: from_values(selected.filter)?,
            sub: selected.sub_attr.map(from_name),
        }),
    }
}

/// The recursion is bounded: both limits of depth were judged before.
fn from_filter(parsed: theirs::Filter) -> Result<Filter, &'static str> {
    match parsed {
        theirs::Filter::Attr(expression) => from_expression(expression),
        theirs::Filter::ValuePath(selected) => {
            Ok(Filter::ValuePath { path: from_path(selected.attr), filter: Box::new(from_values(*selected.filter)?) })
        }
        theirs::Filter::Not(inner) => Ok(Filter::Not(Box::new(from_filter(*inner)?))),
        theirs::Filter::And(parts) => {
            parts.into_iter().map(from_filter).collect::<Result<Vec<_>, _>>().map(Filter::And)
        }
        theirs::Filter::Or(parts) => parts.into_iter().map(from_filter).collect::<Result<Vec<_>, _>>().map(Filter::Or),
    }
}

fn from_values(parsed: theirs::ValFilter) -> Result<Filter, &'static str> {
    match parsed {
        theirs::ValFilter::Attr(expression) => from_expression(expression),
        theirs::ValFilter::Not(inner) => Ok(Filter::Not(Box::new(from_values(*inner)?))),
        theirs::ValFilter::And(parts) => {
            parts.into_iter().map(from_values).collect::<Result<Vec<_>, _>>().map(Filter::And)
        }
        theirs::ValFilter::Or(parts) => {
            parts.into_iter().map(from_values).collect::<Result<Vec<_>, _>>().map(Filter::Or)
        }
    }
}

fn from_expression(expression: theirs::AttrExp) -> Result<Filter, &'static str> {
    match expression {
        theirs::AttrExp::Present(path) => Ok(Filter::Present(from_path(path))),
        theirs::AttrExp::Comparison(path, operator, value) => {
            Ok(Filter::Compare { path: from_path(path), operator: from_operator(&operator), value: from_value(value)? })
        }
    }
}

/// No text of ours holds U+0000, and PostgreSQL takes none.
fn from_value(value: theirs::CompValue) -> Result<Value, &'static str> {
    match value {
        theirs::CompValue::Null => Ok(Value::Null),
        theirs::CompValue::True => Ok(Value::Bool(true)),
        theirs::CompValue::False => Ok(Value::Bool(false)),
        theirs::CompValue::Number(number) => Ok(Value::Number(number)),
        theirs::CompValue::Str(text) if text.contains('\0') => Err("compares with U+0000"),
        theirs::CompValue::Str(text) => Ok(Value::String(text)),
    }
}

fn from_operator(operator: &theirs::CompareOp) -> Operator {
    match operator {
        theirs::CompareOp::Eq => Operator::Eq,
        theirs::CompareOp::Ne => Operator::Ne,
        theirs::CompareOp::Co => Operator::Co,
        theirs::CompareOp::Sw => Operator::Sw,
        theirs::CompareOp::Ew => Operator::Ew,
        theirs::CompareOp::Gt => Operator::Gt,
        theirs::CompareOp::Ge => Operator::Ge,
        theirs::CompareOp::Lt => Operator::Lt,
        theirs::CompareOp::Le => Operator::Le,
    }
}

fn from_path(path: theirs::AttrPath) -> AttributePath {
    AttributePath { urn: path.uri, name: from_name(path.name), sub: path.sub_attr.map(from_name) }
}

fn from_name(name: String) -> String {
    if name == REFERENCE { "$ref".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(filter: &Filter) -> String {
        let joined = |parts: &[Filter], by: &str| format!("({})", parts.iter().map(shape).collect::<Vec<_>>().join(by));
        match filter {
            Filter::And(parts) => joined(parts, " & "),
            Filter::Or(parts) => joined(parts, " | "),
            Filter::Not(inner) => format!("!{}", shape(inner)),
            Filter::Compare { path, operator, value } => format!("{} {operator:?} {value}", path.text()),
            Filter::Present(path) => path.text(),
            Filter::ValuePath { path, filter } => format!("{}[{}]", path.text(), shape(filter)),
        }
    }

    #[test]
    fn case_11_and_binds_closer_than_or_and_not_closest() {
        let read = |text: &str| shape(&filter(text).expect(text));
        assert_eq!(read("a pr or b pr and c pr"), "(a | (b & c))");
        assert_eq!(read("(a pr or b pr) and c pr"), "((a | b) & c)");
        assert_eq!(read("not (a pr) and b pr"), "(!a & b)");
        assert_eq!(read("a[b eq 1 and not (c pr)] or d.e le -2.5"), "(a[(b Eq 1 & !c)] | d.e Le -2.5)");
        assert_eq!(read("a[b pr].$ref GT '1'"), "a[(b & $ref Gt \"1\")]");
        assert_eq!(read("urn:x:1.0:Y:a.$ref co \"\\u00e9\""), "urn:x:1.0:Y:a.$ref Co \"é\"");
    }
}
