//! Orders by packed keys: where all keys of a row fit 64 bits together, rows are sorted by one whole number.

use crate::value::{Column, Number};
use ecow::EcoString;
use hashbrown::HashMap;

/// More different texts than this are compared as they are.
const RANKED: usize = 1 << 14;

/// Bits of a key that are sorted by at a time.
const DIGIT: u32 = 11;

/// Rows between two questions whether to go on.
const SLICE: usize = 1 << 16;

/// The numbers of all rows in the order of the keys, ties in the order they had, or only the first `limit` of them; each
/// key with whether it descends. `None` where the keys do not fit. `watch` is told of the work done, and may end it.
pub(crate) fn packed_order<E>(
    keys: &[(&Column, bool)],
    count: usize,
    limit: Option<usize>,
    watch: &mut dyn FnMut(u64) -> Result<(), E>,
) -> Result<Option<Vec<u32>>, E> {
    watch(count as u64 / 8)?;
    let Some((packed, bits)) = pack(keys, count) else { return Ok(None) };
    let limit = limit.unwrap_or(count).min(count);
    if bits > 32 {
        let mut rows: Vec<(u64, u32)> = packed.into_iter().zip(0..).collect();
        watch(count as u64 / 8)?;
        first(&mut rows, limit);
        return Ok(Some(rows.into_iter().map(|(_, row)| row).collect()));
    }
    // The row in the lower half makes every key different and the order stable.
    let mut rows: Vec<u64> = packed.into_iter().zip(0u64..).map(|(key, row)| key << 32 | row).collect();
    if limit < count || count < 1 << DIGIT {
        first(&mut rows, limit);
    } else {
        rows = by_digits(rows, bits, watch)?;
    }
    Ok(Some(rows.into_iter().map(|row| row as u32).collect()))
}

/// The first `limit` in order.
fn first<T: Ord>(rows: &mut Vec<T>, limit: usize) {
    if limit < rows.len() {
        rows.select_nth_unstable(limit);
        rows.truncate(limit);
    }
    rows.sort_unstable();
}

/// Sorts by the upper halves, digit by digit from the lowest.
fn by_digits<E>(mut rows: Vec<u64>, bits: u32, watch: &mut dyn FnMut(u64) -> Result<(), E>) -> Result<Vec<u64>, E> {
    let mut sorted = vec![0u64; rows.len()];
    let mut shift = 32;
    while shift < 32 + bits {
        let digit = |row: u64| (row >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = vec![0usize; 1 << DIGIT];
        for row in &rows {
            if let Some(count) = places.get_mut(digit(*row)) {
                *count += 1;
            }
        }
        let mut start = 0;
        for place in &mut places {
            start += std::mem::replace(place, start);
        }
        for slice in rows.chunks(SLICE) {
            watch(slice.len() as u64 / 16)?;
            for row in slice {
                if let Some(place) = places.get_mut(digit(*row)) {
                    if let Some(slot) = sorted.get_mut(*place) {
                        *slot = *row;
                    }
                    *place += 1;
                }
            }
        }
        std::mem::swap(&mut rows, &mut sorted);
        shift += DIGIT;
    }
    Ok(rows)
}

/// One key of every row: its rank, 0 for null, and the highest rank.
struct Ranks {
    ranks: Vec<u64>,
    highest: u64,
}

/// The keys of each row side by side, the first one highest, and how many bits they take.
fn pack(keys: &[(&Column, bool)], count: usize) -> Option<(Vec<u64>, u32)> {
    let mut packed = vec![0u64; count];
    let mut bits = 0;
    for (column, descending) in keys {
        let Ranks { ranks, highest } = ranks(column)?;
        let width = u64::BITS - highest.leading_zeros();
        bits += width;
        if bits > 64 {
            return None;
        }
        for (key, rank) in packed.iter_mut().zip(ranks) {
            let rank = if *descending { highest - rank } else { rank };
            *key = key.checked_shl(width).unwrap_or(0) | rank;
        }
    }
    Some((packed, bits))
}

fn ranks(column: &Column) -> Option<Ranks> {
    match column {
        Column::Null(len) => Some(Ranks { ranks: vec![0; *len], highest: 0 }),
        Column::Bool(cells) => {
            let ranks = cells.iter().map(|cell| cell.map_or(0, |truth| 1 + u64::from(truth))).collect();
            Some(Ranks { ranks, highest: 2 })
        }
        Column::Number(cells) => {
            let scale = cells.iter().flatten().map(|number| number.decimals()).max().unwrap_or(0);
            whole_ranks(cells, |number: &Number| number.in_units_of(scale))
        }
        Column::DateTime(cells) => whole_ranks(cells, crate::value::DateTime::whole_seconds),
        Column::Text(cells) => text_ranks(cells),
        Column::Any(_) => None,
    }
}

/// The ranks of what has whole numbers in its order.
fn whole_ranks<T>(cells: &[Option<T>], whole: impl Fn(&T) -> Option<i64>) -> Option<Ranks> {
    let mut wholes = Vec::with_capacity(cells.len());
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for cell in cells {
        let number = match cell {
            Some(cell) => {
                let number = whole(cell)?;
                least = least.min(number);
                most = most.max(number);
                Some(number)
            }
            None => None,
        };
        wholes.push(number);
    }
    if least > most {
        return Some(Ranks { ranks: vec![0; cells.len()], highest: 0 });
    }
    let highest = most.abs_diff(least).checked_add(1)?;
    let rank = |number: Option<i64>| number.map_or(0, |number| number.abs_diff(least) + 1);
    Some(Ranks { ranks: wholes.into_iter().map(rank).collect(), highest })
}

/// The ranks of texts that repeat.
fn text_ranks(cells: &[Option<EcoString>]) -> Option<Ranks> {
    let mut known: HashMap<&str, u64, foldhash::fast::FixedState> = HashMap::default();
    for text in cells.iter().flatten() {
        known.entry(text).or_insert(0);
        if known.len() > RANKED {
            return None;
        }
    }
    // UTF-8 sorts by code point.
    let mut texts: Vec<&str> = known.keys().copied().collect();
    texts.sort_unstable();
    for (text, rank) in texts.into_iter().zip(1..) {
        known.insert(text, rank);
    }
    let rank = |cell: &Option<EcoString>| cell.as_ref().and_then(|text| known.get(text.as_str())).copied().unwrap_or(0);
    Some(Ranks { ranks: cells.iter().map(rank).collect(), highest: known.len() as u64 })
}
