//! The form of the shared files: sections of settings.

use std::collections::HashMap;

/// A section's settings.
pub(super) type Settings = HashMap<String, String>;

/// Which of the two files a text comes from: they name profiles differently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `[profile NAME]`, but `[default]`.
    Config,
    /// `[NAME]`.
    Credentials,
}

/// Adds the profiles of a text to those there are; what is said later wins.
/// Nested settings and other sections are passed over.
pub(super) fn add(profiles: &mut HashMap<String, Settings>, text: &str, kind: Kind) {
    let mut current: Option<String> = None;
    for line in text.lines() {
        let is_nested = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) || is_nested {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.split_once(']').map_or("", |(name, _)| name.trim());
            current = profile(name, kind).map(str::to_owned);
            if let Some(name) = &current {
                profiles.entry(name.clone()).or_default();
            }
            continue;
        }
        let (Some(name), Some((key, value))) = (&current, line.split_once('=')) else {
            continue;
        };
        let value = uncommented(value).trim().to_owned();
        let settings = profiles.entry(name.clone()).or_default();
        settings.insert(key.trim().to_ascii_lowercase(), value);
    }
}

fn profile(section: &str, kind: Kind) -> Option<&str> {
    let after_word = section
        .strip_prefix("profile")
        .filter(|rest| rest.starts_with([' ', '\t']))
        .map(str::trim);
    match kind {
        Kind::Credentials => Some(section),
        Kind::Config if section == "default" => Some(section),
        Kind::Config => after_word,
    }
    .filter(|name| !name.is_empty())
}

/// A comment begins at a `#` or `;` after a blank: keys may hold both.
fn uncommented(value: &str) -> &str {
    let at = [" #", " ;", "\t#", "\t;"]
        .iter()
        .filter_map(|mark| value.find(mark))
        .min();
    at.map_or(value, |at| value.get(..at).unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_make_one_profile_and_the_credentials_win() {
        let mut profiles = HashMap::new();
        add(
            &mut profiles,
            "[default]\nregion = eu-west-1\n[profile a]\naws_access_key_id=old\ns3 =\n  x = y\n\
             [sso-session b]\nkey=1\n[c]\nkey=1\n",
            Kind::Config,
        );
        add(
            &mut profiles,
            "# ours\n[a]\nAWS_ACCESS_KEY_ID = new # comment\naws_secret_access_key = x#y\n",
            Kind::Credentials,
        );
        let a = &profiles["a"];
        assert_eq!(a["aws_access_key_id"], "new");
        assert_eq!(a["aws_secret_access_key"], "x#y");
        assert!(!a.contains_key("x"));
        assert_eq!(profiles["default"]["region"], "eu-west-1");
        assert_eq!(profiles.len(), 2);
    }
}
