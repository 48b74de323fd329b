use http::{
    HeaderMap, Uri,
    header::{CONTENT_LOCATION, LOCATION},
};

use super::key::Resource;

/// RFC 9111 section 4.4: what a successful unsafe request makes invalid beside its own URI: the
/// URIs its response names, if they are of the same origin.
pub(crate) fn named_resources(request: &Target, response: &HeaderMap) -> Vec<Resource> {
    [LOCATION, CONTENT_LOCATION]
        .iter()
        .filter_map(|name| response.get(name)?.to_str().ok())
        .filter_map(|reference| request.resolve(reference))
        .collect()
}

/// The URI of a request, for as long as its response may refer to it.
#[derive(Debug)]
pub(crate) struct Target {
    uri: Uri,
    /// `Host` and nothing else.
    host: HeaderMap,
}

impl Target {
    pub(crate) fn of<B>(request: &http::Request<B>) -> Self {
        let mut host = HeaderMap::new();
        for value in request.headers().get_all(http::header::HOST) {
            host.append(http::header::HOST, value.clone());
        }
        Self {
            uri: request.uri().clone(),
            host,
        }
    }

    pub(crate) fn resource(&self) -> Resource {
        Resource::new(&self.uri, &self.host)
    }

    /// RFC 3986 section 5.2, without what only a fragment or another origin needs.
    fn resolve(&self, reference: &str) -> Option<Resource> {
        let reference = reference.split('#').next().unwrap_or_default();
        if let Some((scheme, _)) = reference.split_once("://")
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        {
            let uri: Uri = reference.parse().ok()?;
            let named = Resource::new(&uri, &HeaderMap::new());
            // A server often does not know its scheme; its authority tells the origin.
            let same_scheme = self
                .uri
                .scheme()
                .is_none_or(|own| uri.scheme() == Some(own));
            return (same_scheme && named.is_on_authority_of(&self.resource())).then_some(named);
        }
        if reference.starts_with("//") {
            let scheme = self.uri.scheme_str().unwrap_or("http");
            return self.resolve(&format!("{scheme}:{reference}"));
        }
        let path = match reference.as_bytes().first() {
            None => return Some(self.resource()),
            Some(b'/') => without_dots(reference),
            Some(b'?') => format!("{}{reference}", self.uri.path()),
            Some(_) => {
                let (folder, _) = self.uri.path().rsplit_once('/')?;
                without_dots(&format!("{folder}/{reference}"))
            }
        };
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(path.parse().ok()?);
        Some(Resource::new(&Uri::from_parts(parts).ok()?, &self.host))
    }
}

/// RFC 3986 section 5.2.4, of a path that starts with a slash; a query stays as it is.
fn without_dots(reference: &str) -> String {
    let end = reference.find('?').unwrap_or(reference.len());
    let (path, query) = reference.split_at(end);
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}{query}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(base: &str, reference: &str, named: &str) -> bool {
        let request = http::Request::get(base)
            .header("host", "a.example")
            .body(())
            .unwrap();
        let resolved = Target::of(&request).resolve(reference);
        let named: Uri = named.parse().unwrap();
        resolved == Some(Resource::new(&named, &HeaderMap::new()))
    }

    #[test]
    fn a_reference_names_a_resource_of_the_same_origin_or_none() {
        const BASE: &str = "http://a.example/b/c?q";
        #[rustfmt::skip]
        let table = [
            ("d", "http://a.example/b/d"),
            ("./d", "http://a.example/b/d"),
            ("../d", "http://a.example/d"),
            ("../../../d", "http://a.example/d"),
            ("d/..", "http://a.example/b/"),
            ("/d/./e/../f?x=/../y", "http://a.example/d/f?x=/../y"),
            ("?p", "http://a.example/b/c?p"),
            ("", BASE),
            ("#f", BASE),
            ("//a.example/d", "http://a.example/d"),
            ("http://A.example:80/d#f", "http://a.example/d"),
        ];
        for (reference, named) in table {
            assert!(same(BASE, reference, named), "{reference}");
        }
        // As a server sees it.
        assert!(same("/b/c", "d", "http://a.example/b/d"));
        assert!(same("/b/c", "https://a.example/d", "https://a.example/d"));
        let request = http::Request::get(BASE).body(()).unwrap();
        for foreign in [
            "https://a.example/d",
            "http://b.example/d",
            "//b.example/d",
            "http://a.example:81/d",
            "http://[/d",
        ] {
            assert!(Target::of(&request).resolve(foreign).is_none(), "{foreign}");
        }
    }
}
