use std::{error, fmt, str::FromStr};

/// The beginning of a path with one parameter in it: `/v1/organizations/{org_id}`.
///
/// A path matches when it begins with these segments, each written exactly as here, and the
/// parameter's isn't empty. Nothing is decoded: an id written with percent signs is another id, and
/// so is refused where a router may find the right one, never the other way about. Write the
/// template as the router has the route; below a router that strips a prefix, without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    /// With the slash before the parameter.
    before: Box<str>,
    /// Either empty or from the slash after it on.
    after: Box<str>,
}

impl PathTemplate {
    /// What stands in the parameter's place in `path`.
    #[must_use]
    pub fn find<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&*self.before)?;
        let (parameter, rest) = match rest.find('/') {
            Some(slash) => rest.split_at(slash),
            None => (rest, ""),
        };
        let rest = rest.strip_prefix(&*self.after)?;
        let at_segment_end = rest.is_empty() || rest.starts_with('/');
        (at_segment_end && !parameter.is_empty()).then_some(parameter)
    }
}

impl FromStr for PathTemplate {
    type Err = PathTemplateError;

    fn from_str(template: &str) -> Result<Self, PathTemplateError> {
        let (before, rest) = template.split_once('{').ok_or(PathTemplateError)?;
        let (name, after) = rest.split_once('}').ok_or(PathTemplateError)?;
        let whole_segment = before.starts_with('/')
            && before.ends_with('/')
            && (after.is_empty() || after.starts_with('/'));
        let once = !name.contains(['{', '/']) && !after.contains(['{', '}']);
        if whole_segment && once && !before.contains('}') && !after.ends_with('/') {
            Ok(Self {
                before: before.into(),
                after: after.into(),
            })
        } else {
            Err(PathTemplateError)
        }
    }
}

/// A [`PathTemplate`] is an absolute path in which exactly one segment is a name in braces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathTemplateError;

impl fmt::Display for PathTemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path template is a path with one segment in braces, and no slash at its end")
    }
}

impl error::Error for PathTemplateError {}
