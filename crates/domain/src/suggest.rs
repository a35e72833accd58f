//! "Did you mean …?"

/// The candidate nearest to `word`, if it is near enough to be a slip.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            let score = strsim::jaro_winkler(&lower, &candidate.to_lowercase());
            (score, candidate)
        })
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A sentence: the nearest candidate, else what there is to choose from.
#[must_use]
pub fn help<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 24;
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(near) = nearest(word, candidates.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    match candidates.len() {
        0 => "there is none to choose from".to_owned(),
        all => {
            let shown: Vec<String> = candidates
                .iter()
                .take(MOST)
                .map(|c| format!("`{c}`"))
                .collect();
            let more = if all > MOST {
                format!(" and {} more", all - MOST)
            } else {
                String::new()
            };
            format!("choose one of {}{more}", shown.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_a_stranger_finds_the_list() {
        assert_eq!(
            help("base_uri", ["api_key", "base_url"]),
            "did you mean `base_url`?"
        );
        assert_eq!(help("zzz", ["one", "two"]), "choose one of `one`, `two`");
    }
}
