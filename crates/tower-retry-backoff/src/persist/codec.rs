/// Turns requests into bytes and back.
pub trait Codec<R> {
    /// The idempotency key of a request. `None`: it is not written down, and a kill ends it.
    fn key(&self, request: &R) -> Option<String>;

    /// The whole request, with its idempotency key. What is secret and can be added again by a layer
    /// below, such as a token, should be left out: it lands on the disk. `None`: as above.
    fn encode(&self, request: &R) -> Option<Vec<u8>>;

    /// The request again. `None`: this cannot be read, say because another version wrote it.
    fn decode(&self, bytes: &[u8]) -> Option<R>;
}
