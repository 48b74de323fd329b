use std::fmt::Write;

/// What every token starts with, so that scanners for leaked secrets know it.
const PREFIX: &str = "cg_";

/// A new token: 256 random bits of the operating system, in hexadecimal.
pub(crate) fn generate() -> Result<String, getrandom::Error> {
    let mut secret = [0; 32];
    getrandom::fill(&mut secret)?;
    let mut token = String::with_capacity(PREFIX.len() + 2 * secret.len());
    token.push_str(PREFIX);
    for byte in secret {
        // Writing to a `String` does not fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}
