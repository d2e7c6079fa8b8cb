//! "Did you mean": the names nearest to one that is unknown.

/// Up to three names that look like `name`, the nearest first.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    // Longer texts get no suggestion.
    if name.len() > 100 {
        return Vec::new();
    }
    let wanted = name.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .map(|candidate| (strsim::jaro_winkler(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(3).map(|(_, candidate)| candidate).collect()
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(
            nearest("Europe/Stokholm", ["Europe/Oslo", "Europe/Stockholm", "Asia/Tokyo"].into_iter()).first(),
            Some(&"Europe/Stockholm")
        );
        assert!(nearest("xyz", ["price"].into_iter()).is_empty());
    }
}
