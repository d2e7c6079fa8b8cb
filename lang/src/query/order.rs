//! Orders by packed keys: if all keys of a row fit 64 bits together, rows are sorted by one integer. All loops here
//! process the rows in slices and ask between slices whether to continue.

use crate::value::{Column, Number};
use ecow::EcoString;
use hashbrown::HashMap;

/// More different texts than this are compared directly.
const RANKED: usize = 1 << 14;

/// Bits of a key sorted at a time.
const DIGIT: u32 = 11;

/// Rows between two checks whether to continue: a millisecond or two.
const SLICE: usize = 1 << 16;

/// Up to this many first rows are picked, not sorted.
const PICKED: usize = SLICE;

/// Receives the work done, and may end it.
type Watch<'w, E> = &'w mut dyn FnMut(u64) -> Result<(), E>;

/// A row with its packed keys, the first one highest.
trait Packed: Copy + Ord + Default {
    fn keys(self) -> u64;
    fn row(self) -> u32;
}

/// Keys above, row below: every row is another number, in the order wanted.
impl Packed for u64 {
    fn keys(self) -> u64 {
        self >> 32
    }

    fn row(self) -> u32 {
        self as u32
    }
}

impl Packed for (u64, u32) {
    fn keys(self) -> u64 {
        self.0
    }

    fn row(self) -> u32 {
        self.1
    }
}

/// The numbers of all rows in the order of the keys, ties in their original order, or only the first `limit` of them.
/// Each key comes with whether it descends. `None` if the keys do not fit. `watch` receives the work done, and may end
/// it.
pub(crate) fn packed_order<E>(
    keys: &[(&Column, bool)],
    count: usize,
    limit: Option<usize>,
    watch: Watch<'_, E>,
) -> Result<Option<Vec<u32>>, E> {
    let Some((packed, bits)) = pack(keys, count, watch)? else { return Ok(None) };
    let limit = limit.unwrap_or(count).min(count);
    let rows = if bits > 32 {
        order(&packed, |keys, row| (keys, row), bits, limit, watch)?
    } else {
        order(&packed, |keys, row| keys << 32 | u64::from(row), bits, limit, watch)?
    };
    Ok(Some(rows))
}

fn order<T: Packed, E>(
    packed: &[u64],
    with_row: impl Fn(u64, u32) -> T,
    bits: u32,
    limit: usize,
    watch: Watch<'_, E>,
) -> Result<Vec<u32>, E> {
    let slices = packed.chunks(SLICE).zip((0u32..).step_by(SLICE));
    let slices = slices.map(|(slice, start)| slice.iter().zip(start..).map(|(keys, row)| with_row(*keys, row)));
    let rows = if packed.len() < 1 << DIGIT || (limit < packed.len() && limit <= PICKED) {
        first(slices, limit, watch)?
    } else {
        let mut rows = Vec::with_capacity(packed.len());
        for slice in slices {
            watch(SLICE as u64 / 16)?;
            rows.extend(slice);
        }
        by_digits(rows, bits, watch)?
    };
    let mut order = Vec::with_capacity(limit);
    for slice in rows.get(..limit).unwrap_or(&rows).chunks(SLICE) {
        watch(slice.len() as u64 / 32)?;
        order.extend(slice.iter().map(|row| row.row()));
    }
    Ok(order)
}

/// The first `limit` in order.
fn first<T: Packed, E>(
    slices: impl Iterator<Item = impl Iterator<Item = T>>,
    limit: usize,
    watch: Watch<'_, E>,
) -> Result<Vec<T>, E> {
    let mut rows: Vec<T> = Vec::new();
    let mut last: Option<T> = None;
    for slice in slices {
        watch(SLICE as u64 / 16)?;
        // Only rows before the last of the first can be among them.
        rows.extend(slice.filter(|row| last.is_none_or(|last| *row < last)));
        if limit < rows.len() {
            rows.select_nth_unstable(limit);
            last = rows.get(limit).copied();
            rows.truncate(limit);
        }
    }
    rows.sort_unstable();
    Ok(rows)
}

/// Sorts by the keys, digit by digit from the lowest; rows of equal keys stay in their order.
fn by_digits<T: Packed, E>(mut rows: Vec<T>, bits: u32, watch: Watch<'_, E>) -> Result<Vec<T>, E> {
    let mut sorted = vec![T::default(); rows.len()];
    let mut shift = 0;
    while shift < bits {
        let digit = |row: T| (row.keys() >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = vec![0usize; 1 << DIGIT];
        for slice in rows.chunks(SLICE) {
            watch(slice.len() as u64 / 32)?;
            for row in slice {
                if let Some(count) = places.get_mut(digit(*row)) {
                    *count += 1;
                }
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

/// The keys of each row packed together, the first one highest, and their number of bits.
fn pack<E>(keys: &[(&Column, bool)], count: usize, watch: Watch<'_, E>) -> Result<Option<(Vec<u64>, u32)>, E> {
    let mut packed = vec![0u64; count];
    let mut bits = 0;
    for (column, descending) in keys {
        let Some(Ranks { ranks, highest }) = ranks(column, watch)? else { return Ok(None) };
        let width = u64::BITS - highest.leading_zeros();
        bits += width;
        if bits > 64 {
            return Ok(None);
        }
        for (keys, ranks) in packed.chunks_mut(SLICE).zip(ranks.chunks(SLICE)) {
            watch(keys.len() as u64 / 32)?;
            for (key, rank) in keys.iter_mut().zip(ranks) {
                let rank = if *descending { highest - rank } else { *rank };
                *key = key.checked_shl(width).unwrap_or(0) | rank;
            }
        }
    }
    Ok(Some((packed, bits)))
}

fn ranks<E>(column: &Column, watch: Watch<'_, E>) -> Result<Option<Ranks>, E> {
    match column {
        Column::Null(len) => Ok(Some(Ranks { ranks: vec![0; *len], highest: 0 })),
        Column::Bool(cells) => {
            let ranks = ranked(cells, |truth| 1 + u64::from(*truth), watch)?;
            Ok(Some(Ranks { ranks, highest: 2 }))
        }
        Column::Number(cells) => {
            let mut scale = 0;
            for slice in cells.chunks(SLICE) {
                watch(slice.len() as u64 / 32)?;
                scale = slice.iter().flatten().map(|number| number.decimals()).fold(scale, u8::max);
            }
            whole_ranks(cells, |number: &Number| number.in_units_of(scale), watch)
        }
        Column::DateTime(cells) => whole_ranks(cells, crate::value::DateTime::whole_seconds, watch),
        Column::Text(cells) => text_ranks(cells, watch),
        Column::Any(_) => Ok(None),
    }
}

/// The ranks of cells, 0 for null.
fn ranked<T, E>(cells: &[Option<T>], rank: impl Fn(&T) -> u64, watch: Watch<'_, E>) -> Result<Vec<u64>, E> {
    let mut ranks = Vec::with_capacity(cells.len());
    for slice in cells.chunks(SLICE) {
        watch(slice.len() as u64 / 16)?;
        ranks.extend(slice.iter().map(|cell| cell.as_ref().map_or(0, &rank)));
    }
    Ok(ranks)
}

/// The ranks of values that have integers in their order.
fn whole_ranks<T, E>(
    cells: &[Option<T>],
    whole: impl Fn(&T) -> Option<i64>,
    watch: Watch<'_, E>,
) -> Result<Option<Ranks>, E> {
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    for slice in cells.chunks(SLICE) {
        watch(slice.len() as u64 / 16)?;
        for cell in slice.iter().flatten() {
            let Some(number) = whole(cell) else { return Ok(None) };
            least = least.min(number);
            most = most.max(number);
        }
    }
    if least > most {
        return Ok(Some(Ranks { ranks: vec![0; cells.len()], highest: 0 }));
    }
    let Some(highest) = most.abs_diff(least).checked_add(1) else { return Ok(None) };
    let ranks = ranked(cells, |cell| whole(cell).map_or(0, |number| number.abs_diff(least) + 1), watch)?;
    Ok(Some(Ranks { ranks, highest }))
}

/// The ranks of texts that repeat.
fn text_ranks<E>(cells: &[Option<EcoString>], watch: Watch<'_, E>) -> Result<Option<Ranks>, E> {
    let mut known: HashMap<&str, u64, foldhash::fast::FixedState> = HashMap::default();
    for slice in cells.chunks(SLICE) {
        watch(slice.len() as u64 / 16)?;
        for text in slice.iter().flatten() {
            known.entry(text).or_insert(0);
            if known.len() > RANKED {
                return Ok(None);
            }
        }
    }
    // UTF-8 sorts by code point.
    let mut texts: Vec<&str> = known.keys().copied().collect();
    texts.sort_unstable();
    for (text, rank) in texts.into_iter().zip(1..) {
        known.insert(text, rank);
    }
    let ranks = ranked(cells, |text| known.get(text.as_str()).copied().unwrap_or(0), watch)?;
    Ok(Some(Ranks { ranks, highest: known.len() as u64 }))
}
