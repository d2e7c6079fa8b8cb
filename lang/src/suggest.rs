//! "Did you mean": the nearest of the existing names.

/// Names from data may be of any number; at most this many are compared.
const MOST: usize = 1_000;

/// Longer names, in bytes, get no suggestion.
pub(crate) const LONGEST: usize = 100;

/// The name closest to `wrong`, if it is close enough to be meant. Case does not count.
pub fn nearest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if wrong.len() > LONGEST {
        return None;
    }
    let allowed = match wrong.chars().count() {
        0..=1 => 0,
        2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    let lower: Vec<char> = wrong.to_lowercase().chars().collect();
    let letters = letters(&lower);
    names
        .into_iter()
        .take(MOST)
        // `_` is never what the author meant: it is the unused variable, or the last value of a session.
        .filter(|name| *name != wrong && *name != "_" && name.len() <= LONGEST)
        .filter_map(|name| {
            let other: Vec<char> = name.to_lowercase().chars().collect();
            // Each change removes one letter at most, and adds one at most.
            let others = self::letters(&other);
            let differ = |some: u64, more: u64| (some & !more).count_ones() as usize > allowed;
            if differ(letters, others) || differ(others, letters) {
                return None;
            }
            Some((distance(&lower, &other, allowed)?, name))
        })
        .filter(|(distance, name)| *distance < name.chars().count().max(2))
        .min_by_key(|(distance, name)| (*distance, name.len()))
        .map(|(_, name)| name)
}

/// Which letters a name has, some of them together.
fn letters(name: &[char]) -> u64 {
    name.iter().fold(0, |letters, c| letters | 1 << (u32::from(*c) % 64))
}

/// How many letters must be changed, added, removed or swapped with their neighbour to turn one name into the other;
/// `None` above `most`.
fn distance(a: &[char], b: &[char], most: usize) -> Option<usize> {
    let ahead = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[ahead..], &b[ahead..]);
    let behind = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - behind], &b[..b.len() - behind]);
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    // Rows of the table of distances between prefixes; only cells near its diagonal can be small enough.
    let far = most + 1;
    let mut last = vec![far; b.len() + 1];
    let mut row: Vec<usize> = (0..=b.len()).map(|at| at.min(far)).collect();
    for i in 1..=a.len() {
        let before_last = std::mem::replace(&mut last, std::mem::replace(&mut row, vec![far; b.len() + 1]));
        row[0] = i.min(far);
        for j in i.saturating_sub(most).max(1)..=(i + most).min(b.len()) {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before_last[j - 2] + 1);
            }
            row[j] = least.min(far);
        }
        if row.iter().all(|cell| *cell >= far) {
            return None;
        }
    }
    row.last().copied().filter(|distance| *distance <= most)
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
        let long: Vec<String> = (0..1000).map(|number| format!("{}{number}", "q".repeat(100_000))).collect();
        assert_eq!(nearest("quantity", long.iter().map(String::as_str)), None);
    }

    #[test]
    fn distances_are_those_of_the_whole_table() {
        let words =
            ["", "a", "b", "ab", "ba", "abc", "acb", "bca", "abcd", "badc", "price", "prcie", "prise", "pries", "ice"];
        for a in words {
            for b in words {
                let wanted = strsim::osa_distance(a, b);
                let chars = |text: &str| text.chars().collect::<Vec<char>>();
                for most in 0..4 {
                    let found = super::distance(&chars(a), &chars(b), most);
                    assert_eq!(found, Some(wanted).filter(|wanted| *wanted <= most), "{a} {b} {most}");
                }
            }
        }
    }
}
