//! Pure: many ids as one argument of a statement. Both databases take them apart in the same words, so that a page of resources
//! costs one statement, however long it is.

/// Characters of an id: a UUID.
const LENGTH: usize = 36;

/// The argument that `listed!` takes apart. What is not as long as an id of ours is nobody's, and left out.
pub fn id_list<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    ids.into_iter().filter(|id| id.len() == LENGTH && id.is_ascii()).collect()
}

// A subquery that gives the ids of an argument: `concat!("… id IN (", listed!("$2"), ")")`.
macro_rules! listed {
    ($argument:literal) => {
        concat!(
            "WITH RECURSIVE listed (one, rest) AS (SELECT SUBSTR(",
            $argument,
            ", 1, 36), SUBSTR(",
            $argument,
            ", 37) UNION ALL SELECT SUBSTR(rest, 1, 36), SUBSTR(rest, 37) FROM listed WHERE rest <> '') \
             SELECT one FROM listed"
        )
    };
}

pub(crate) use listed;

#[cfg(test)]
mod tests {
    use super::id_list;

    #[test]
    fn only_what_can_be_an_id_is_listed() {
        let (first, second) = ("01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002");
        assert_eq!(id_list([first, "x", "", second]), format!("{first}{second}"));
        assert_eq!(id_list([]), "");
        assert_eq!(id_list(["0189000é-000-7000-8000-00000000001"]), "");
    }
}
