//! Validation: preconditions of clients and of this cache (RFC 9110 section 13, RFC 9111 section
//! 4.3).

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE, SET_COOKIE,
    },
};

use super::{date, list::members, policy::SetCookie};

/// Whether a request has a precondition that a stored response can decide.
pub(crate) fn is_conditional(request: &HeaderMap) -> bool {
    request.contains_key(IF_NONE_MATCH) || request.contains_key(IF_MODIFIED_SINCE)
}

/// RFC 9111 section 4.3.2: whether the client already has the stored response. `If-None-Match`
/// goes before `If-Modified-Since`.
pub(crate) fn is_not_modified(request: &HeaderMap, stored: &HeaderMap) -> bool {
    if request.contains_key(IF_NONE_MATCH) {
        let tag = stored.get(ETAG).map(|tag| opaque(tag.as_bytes()));
        return request.get_all(IF_NONE_MATCH).iter().any(|line| {
            members(line.as_bytes()).any(|member| member == b"*" || Some(opaque(member)) == tag)
        });
    }
    let date = |headers: &HeaderMap, name| {
        // Two-digit years are rare enough to be taken for those of this century.
        const CENTURY: u64 = 1_600_000_000;
        date::parse(headers.get(name)?.as_bytes(), CENTURY)
    };
    let Some(since) = date(request, IF_MODIFIED_SINCE) else {
        return false;
    };
    let modified = date(stored, LAST_MODIFIED).or_else(|| date(stored, DATE));
    modified.is_some_and(|modified| modified <= since)
}

/// RFC 9110 section 8.8.3.2: what a weak comparison compares.
fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// RFC 9111 section 4.3.1: has the request ask whether the stored response still holds. Whatever
/// the client wanted to know is answered from the outcome.
pub(crate) fn ask_whether_valid(request: &mut HeaderMap, stored: &HeaderMap) {
    request.remove(IF_NONE_MATCH);
    request.remove(IF_MODIFIED_SINCE);
    if let Some(tag) = stored.get(ETAG) {
        request.insert(IF_NONE_MATCH, tag.clone());
    }
    if let Some(date) = stored.get(LAST_MODIFIED) {
        request.insert(IF_MODIFIED_SINCE, date.clone());
    }
}

/// Leaves a request without any wish of its client for less than the whole response.
pub(crate) fn ask_for_all(request: &mut HeaderMap) {
    for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE] {
        request.remove(name);
    }
}

/// RFC 9111 section 4.3.5: whether the response to a `HEAD` describes the stored response.
pub(crate) fn describes(head: &HeaderMap, stored: &HeaderMap, length: usize) -> bool {
    let same = |name: &HeaderName| match head.get(name) {
        Some(new) => stored.get(name) == Some(new),
        None => true,
    };
    let as_long = head
        .get(CONTENT_LENGTH)
        .is_none_or(|new| new.as_bytes() == length.to_string().as_bytes());
    same(&ETAG) && same(&LAST_MODIFIED) && as_long
}

/// RFC 9111 section 3.2: the stored headers with those of a newer response about the same content.
/// `update` has already lost what belongs to its connection.
pub(crate) fn updated(stored: &HeaderMap, update: &HeaderMap, cookies: SetCookie) -> HeaderMap {
    const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
    // These describe the stored body, not the message that confirms it. It was asked about one
    // tag: another one in its answer is a slip of the service.
    const KEPT: [HeaderName; 5] = [
        CONTENT_ENCODING,
        CONTENT_LENGTH,
        CONTENT_MD5,
        CONTENT_RANGE,
        ETAG,
    ];
    let mut headers = stored.clone();
    let replaces = |name: &HeaderName| {
        let kept = KEPT.contains(name) && stored.contains_key(name);
        !kept && (*name != SET_COOKIE || cookies == SetCookie::Store)
    };
    for name in update.keys().filter(|name| replaces(name)) {
        headers.remove(name);
        for value in update.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// RFC 9110 section 15.4.5: the headers of a 304 for the stored response: not those of a content
/// that it does not have.
pub(crate) fn headers_of_304(stored: &HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(stored.len());
    for (name, value) in stored {
        let of_content = name.as_str().starts_with("content-") && name != "content-location";
        if !of_content {
            headers.append(name, value.clone());
        }
    }
    headers
}

/// A value as it comes from a connection keeps the whole buffer alive that it was read into.
pub(crate) fn copied(value: &HeaderValue) -> HeaderValue {
    let Ok(mut copy) = HeaderValue::from_bytes(value.as_bytes()) else {
        return value.clone();
    };
    copy.set_sensitive(value.is_sensitive());
    copy
}
