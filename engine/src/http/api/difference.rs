//! The difference of two texts, line by line.

/// The most differing lines that are compared closely; beyond them a text is replaced as a whole.
const MOST: usize = 2000;
/// The lines around a change that are shown.
const CONTEXT: usize = 3;

/// A line of a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'t> {
    /// In both, with its numbers from 1.
    Same(usize, usize, &'t str),
    /// In the first text alone.
    Removed(usize, &'t str),
    /// In the second alone.
    Added(usize, &'t str),
}

impl Line<'_> {
    fn is_same(&self) -> bool {
        matches!(self, Self::Same(..))
    }
}

/// The changed lines with those around them; empty for equal texts.
pub fn difference<'t>(from: &'t str, to: &'t str) -> Vec<Line<'t>> {
    let all = lines(from, to);
    let mut shown = vec![false; all.len()];
    for at in (0..all.len()).filter(|at| all.get(*at).is_some_and(|line| !line.is_same())) {
        shown.iter_mut().take(at + CONTEXT + 1).skip(at.saturating_sub(CONTEXT)).for_each(|line| *line = true);
    }
    all.into_iter().zip(shown).filter_map(|(line, shown)| shown.then_some(line)).collect()
}

/// All lines of both texts, with as few changes as possible.
fn lines<'t>(from: &'t str, to: &'t str) -> Vec<Line<'t>> {
    let (a, b): (Vec<&str>, Vec<&str>) = (from.lines().collect(), to.lines().collect());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let rest = a.len().min(b.len()) - start;
    let end = a.iter().rev().zip(b.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let middle = |lines: &[&'t str]| lines.iter().take(lines.len() - end).skip(start).copied().collect::<Vec<_>>();
    let mut found: Vec<Line<'t>> =
        a.iter().take(start).enumerate().map(|(at, text)| Line::Same(at + 1, at + 1, text)).collect();
    found.extend(changed(&middle(&a), &middle(&b), start));
    let (from_a, from_b) = (a.len() - end, b.len() - end);
    found
        .extend(a.iter().skip(from_a).enumerate().map(|(at, text)| Line::Same(from_a + at + 1, from_b + at + 1, text)));
    found
}

/// The lines of two texts that begin and end differently; `before` lines are before them.
fn changed<'t>(a: &[&'t str], b: &[&'t str], before: usize) -> Vec<Line<'t>> {
    let removed = |at: usize| a.get(at).map(|text| Line::Removed(before + at + 1, text));
    let added = |at: usize| b.get(at).map(|text| Line::Added(before + at + 1, text));
    let Some(path) = path(a, b) else {
        return (0..a.len()).filter_map(removed).chain((0..b.len()).filter_map(added)).collect();
    };
    let (mut x, mut y) = (0, 0);
    let mut found = Vec::new();
    for (to_x, to_y) in path.into_iter().chain([(a.len(), b.len())]) {
        found.extend((x..to_x).filter_map(removed));
        found.extend((y..to_y).filter_map(added));
        if let Some(text) = a.get(to_x) {
            found.push(Line::Same(before + to_x + 1, before + to_y + 1, text));
        }
        (x, y) = (to_x + 1, to_y + 1);
    }
    found
}

/// The equal lines of a longest common part, by their numbers; `None` if there are too many lines.
fn path(a: &[&str], b: &[&str]) -> Option<Vec<(usize, usize)>> {
    if a.len().max(b.len()) > MOST {
        return None;
    }
    // The length of the longest common part from each pair of lines on.
    let width = b.len() + 1;
    let mut lengths = vec![0_u16; (a.len() + 1) * width];
    let at = |x: usize, y: usize| x * width + y;
    for x in (0..a.len()).rev() {
        for y in (0..b.len()).rev() {
            let length = |x: usize, y: usize| lengths.get(at(x, y)).copied().unwrap_or(0);
            let here =
                if a.get(x) == b.get(y) { length(x + 1, y + 1) + 1 } else { length(x + 1, y).max(length(x, y + 1)) };
            if let Some(place) = lengths.get_mut(at(x, y)) {
                *place = here;
            }
        }
    }
    let length = |x: usize, y: usize| lengths.get(at(x, y)).copied().unwrap_or(0);
    let (mut x, mut y, mut found) = (0, 0, Vec::new());
    while x < a.len() && y < b.len() {
        if a.get(x) == b.get(y) {
            found.push((x, y));
            (x, y) = (x + 1, y + 1);
        } else if length(x + 1, y) >= length(x, y + 1) {
            x += 1;
        } else {
            y += 1;
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_change_is_shown_with_its_surroundings() {
        let from = "1\n2\n3\n4\n5\n6\n7\n8\n9";
        let to = "1\n2\n3\n4\nfive\n6\n7\n8\n9";
        let expected = [
            Line::Same(2, 2, "2"),
            Line::Same(3, 3, "3"),
            Line::Same(4, 4, "4"),
            Line::Removed(5, "5"),
            Line::Added(5, "five"),
            Line::Same(6, 6, "6"),
            Line::Same(7, 7, "7"),
            Line::Same(8, 8, "8"),
        ];
        assert_eq!(difference(from, to), expected);
        assert_eq!(difference(from, from), []);
        assert_eq!(difference("", "a"), [Line::Added(1, "a")]);
        assert_eq!(difference("a", ""), [Line::Removed(1, "a")]);
    }

    #[test]
    fn a_very_long_text_is_replaced_as_a_whole() {
        let [from, to] = ["a\nx\n", "b\nx\n"].map(|lines| lines.repeat(2000));
        let found = difference(&from, &to);
        assert_eq!(found.iter().filter(|line| !line.is_same()).count(), 2 * 3999);
    }

    proptest! {
        #[test]
        fn both_texts_are_in_the_difference(
            from in proptest::collection::vec("[abc]", 0..12),
            to in proptest::collection::vec("[abc]", 0..12),
        ) {
            let (a, b) = (from.join("\n"), to.join("\n"));
            let all = lines(&a, &b);
            let of_from = |line: &Line<'_>| match line {
                Line::Same(at, _, text) | Line::Removed(at, text) => Some((*at, (*text).to_owned())),
                Line::Added(..) => None,
            };
            let of_to = |line: &Line<'_>| match line {
                Line::Same(_, at, text) | Line::Added(at, text) => Some((*at, (*text).to_owned())),
                Line::Removed(..) => None,
            };
            let numbered = |lines: Vec<String>| (1..).zip(lines).collect::<Vec<_>>();
            prop_assert_eq!(all.iter().filter_map(of_from).collect::<Vec<_>>(), numbered(from));
            prop_assert_eq!(all.iter().filter_map(of_to).collect::<Vec<_>>(), numbered(to));
        }
    }
}
