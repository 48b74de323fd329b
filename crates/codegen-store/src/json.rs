use serde_json::Value;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

/// JSON as the text of a column.
pub(crate) fn text(value: impl Into<Value>) -> String {
    value.into().to_string()
}

/// The JSON of a column of text that may be null.
pub(crate) fn column(row: &SqliteRow, name: &str) -> Result<Option<Value>, sqlx::Error> {
    row.try_get::<Option<&str>, _>(name)?
        .map(serde_json::from_str)
        .transpose()
        .map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
