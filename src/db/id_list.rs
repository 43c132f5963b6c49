//! Pure: many ids as one argument of a statement, so that a page of resources costs one statement, however long it is.

use crate::base::ids::is_id;

/// The argument that `of_these!` takes apart: a JSON array. What is no id is nobody's, and left out.
pub fn id_list<'a>(ids: impl IntoIterator<Item = &'a str>) -> String {
    let ids: Vec<&str> = ids.into_iter().filter(|id| is_id(id)).collect();
    serde_json::Value::from(ids).to_string()
}

/// A statement about the ids of an argument, which the two databases take apart in different words:
/// `of_these!(db, "SELECT … AND id", "$2", "ORDER BY id")`.
macro_rules! of_these {
    ($db:expr, $before:expr, $ids:literal, $after:literal) => {
        match $db.is_postgres() {
            true => concat!($before, " IN (SELECT jsonb_array_elements_text(CAST(", $ids, " AS jsonb))) ", $after),
            false => concat!($before, " IN (SELECT value FROM json_each(", $ids, ")) ", $after),
        }
    };
}

pub(crate) use of_these;

#[cfg(test)]
mod tests {
    use super::id_list;

    #[test]
    fn only_what_can_be_an_id_is_listed() {
        let (first, second) = ("01890000-0000-7000-8000-000000000001", "01890000-0000-7000-8000-000000000002");
        assert_eq!(id_list([first, "x", "", second]), format!("[\"{first}\",\"{second}\"]"));
        assert_eq!(id_list([]), "[]");
        assert_eq!(id_list(["0189000é-000-7000-8000-00000000001"]), "[]");
    }
}
