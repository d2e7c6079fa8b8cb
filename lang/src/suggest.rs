//! "Did you mean": the nearest of the names that are there.

/// Names from data may be of any number; no more than these are looked at.
const MOST: usize = 1_000;

/// The name closest to `wrong`, if it is close enough to be meant. Case does not count.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = match wrong.chars().count() {
        0..=1 => 0,
        2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    let lower = wrong.to_lowercase();
    names
        .into_iter()
        .take(MOST)
        // `_` is what nobody means: the unused variable, or the last value of a session.
        .filter(|name| *name != wrong && *name != "_")
        // Long names cost their product; those of very different lengths are not near anyway.
        .filter(|name| wrong.len() <= 200 && name.len().abs_diff(wrong.len()) <= 12)
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= allowed && *distance < name.chars().count().max(2))
        .min_by_key(|(distance, name)| (*distance, name.len()))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        let names = ["quantity", "price", "_", "id"];
        assert_eq!(nearest("quantty", names), Some("quantity"));
        assert_eq!(nearest("Prise", names), Some("price"));
        assert_eq!(nearest("di", names), Some("id"));
        assert_eq!(nearest("x", names), None, "one letter may be any name");
        assert_eq!(nearest("price", ["price"]), None, "the name itself is no suggestion");
        assert_eq!(nearest(&"q".repeat(100_000), names), None);
    }
}
