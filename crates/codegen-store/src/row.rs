/// The row of a statement that writes and returns one.
///
/// The rows come from `fetch_all`: `fetch_one` leaves the statement after its first row, and what
/// SQLite checks at the end of a statement (foreign keys) would go unnoticed.
pub(crate) fn one<T>(mut rows: Vec<T>) -> Result<T, sqlx::Error> {
    rows.pop().ok_or(sqlx::Error::RowNotFound)
}
