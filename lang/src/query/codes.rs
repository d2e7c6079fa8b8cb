//! Keys as numbers: equal keys have equal numbers, given in the order in which they are first seen.

use super::kernel::Kernel;
use super::vector::{At, Batch, Side, Vector};
use crate::value::{DateTime, Number};
use ecow::EcoString;
use hashbrown::HashMap;
use hashbrown::hash_map::RawEntryMut;
use std::hash::BuildHasher;

/// The number for a missing one.
pub(crate) const NOWHERE: u32 = u32::MAX;

type Map<K> = HashMap<K, u32, foldhash::fast::FixedState>;

/// The numbers of the different values of one key. Equality is that of `group by`: without conversion, null with null.
pub(super) struct Codes {
    kind: Kind,
    null: u32,
    count: u32,
    /// Whole numbers below this are looked up without a hash.
    dense: u64,
}

enum Kind {
    Unknown,
    Numbers { dense: Vec<u32>, others: Map<Number> },
    Texts(Map<EcoString>),
    Bools([u32; 2]),
    DateTimes(Map<DateTime>),
}

impl Codes {
    /// With room for about `rows` rows.
    pub fn new(rows: usize) -> Self {
        Self { kind: Kind::Unknown, null: NOWHERE, count: 0, dense: (rows as u64 * 4 + 256).min(1 << 21) }
    }

    /// How many different values there are.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// The numbers of `len` cells, new ones for values not seen yet; `None` if they have another type.
    pub fn insert(&mut self, vector: &Vector<'_>, len: usize, codes: &mut Vec<u32>) -> Option<()> {
        if let Kind::Unknown = self.kind
            && !vector.is_null()
        {
            self.kind = if vector.numbers().is_some() {
                Kind::Numbers { dense: Vec::new(), others: Map::default() }
            } else if vector.texts().is_some() {
                Kind::Texts(Map::default())
            } else if vector.bools().is_some() {
                Kind::Bools([NOWHERE; 2])
            } else {
                Kind::DateTimes(Map::default())
            };
        }
        let Self { kind, null, count, dense: limit } = self;
        let mut next = || {
            *count += 1;
            *count - 1
        };
        match kind {
            Kind::Unknown => {
                for _ in 0..len {
                    codes.push(given(null, &mut next));
                }
            }
            Kind::Numbers { dense, others } => {
                let cells = vector.numbers()?;
                for row in 0..len {
                    codes.push(match cells.get(row) {
                        None => given(null, &mut next),
                        Some(number) => {
                            let number = number.normalized();
                            match number.small(*limit) {
                                Some(small) => {
                                    if dense.len() <= small {
                                        dense.resize((small + 1).next_power_of_two(), NOWHERE);
                                    }
                                    match dense.get_mut(small) {
                                        Some(code) => given(code, &mut next),
                                        None => NOWHERE,
                                    }
                                }
                                None => *others.entry(number).or_insert_with(&mut next),
                            }
                        }
                    });
                }
            }
            Kind::Texts(map) => {
                let cells = vector.texts()?;
                for row in 0..len {
                    codes.push(match cells.get(row) {
                        None => given(null, &mut next),
                        Some(text) => text_code(map, text, &mut next),
                    });
                }
            }
            Kind::Bools(both) => {
                let cells = vector.bools()?;
                for row in 0..len {
                    codes.push(match cells.get(row) {
                        None => given(null, &mut next),
                        Some(truth) => given(&mut both[usize::from(truth)], &mut next),
                    });
                }
            }
            Kind::DateTimes(map) => {
                let cells = vector.datetimes()?;
                for row in 0..len {
                    codes.push(match cells.get(row) {
                        None => given(null, &mut next),
                        Some(datetime) => *map.entry(datetime).or_insert_with(&mut next),
                    });
                }
            }
        }
        Some(())
    }

    /// The numbers of `len` cells, [`NOWHERE`] for null and values without one; `None` if they have another type.
    pub fn find(&self, vector: &Vector<'_>, len: usize, codes: &mut Vec<u32>) -> Option<()> {
        fn found<T: Copy>(cells: Side<'_, T>, len: usize, codes: &mut Vec<u32>, find: impl Fn(T) -> Option<u32>) {
            codes.extend((0..len).map(|row| cells.get(row).and_then(&find).unwrap_or(NOWHERE)));
        }
        if vector.is_null() {
            codes.extend(std::iter::repeat_n(NOWHERE, len));
            return Some(());
        }
        match &self.kind {
            Kind::Unknown => codes.extend(std::iter::repeat_n(NOWHERE, len)),
            Kind::Numbers { dense, others } => found(vector.numbers()?, len, codes, |number| {
                let number = number.normalized();
                match number.small(self.dense) {
                    Some(small) => dense.get(small).copied(),
                    None => others.get(&number).copied(),
                }
            }),
            Kind::Texts(map) => found(vector.texts()?, len, codes, |text| map.get(text).copied()),
            Kind::Bools(both) => found(vector.bools()?, len, codes, |truth| Some(both[usize::from(truth)])),
            Kind::DateTimes(map) => found(vector.datetimes()?, len, codes, |datetime| map.get(&datetime).copied()),
        }
        Some(())
    }
}

fn given(code: &mut u32, next: &mut impl FnMut() -> u32) -> u32 {
    if *code == NOWHERE {
        *code = next();
    }
    *code
}

/// Texts are copied only when they are new.
fn text_code(map: &mut Map<EcoString>, text: &EcoString, next: &mut impl FnMut() -> u32) -> u32 {
    let hash = map.hasher().hash_one(text);
    match map.raw_entry_mut().from_key_hashed_nocheck(hash, text) {
        RawEntryMut::Occupied(found) => *found.get(),
        RawEntryMut::Vacant(free) => *free.insert_hashed_nocheck(hash, text.clone(), next()).1,
    }
}

/// A number for a pair of numbers.
fn pair(map: &mut Map<(u32, u32)>, a: u32, b: u32) -> u32 {
    let next = map.len() as u32;
    *map.entry((a, b)).or_insert(next)
}

/// Numbers for the values of several keys together.
pub(crate) struct Numbering<'k> {
    keys: Vec<Key<'k>>,
    /// The numbers of the first keys with the next one.
    pairs: Vec<Map<(u32, u32)>>,
}

enum Key<'k> {
    Each(&'k Kernel, Codes),
    /// A column with far fewer rows than are numbered: all its rows are numbered first, then those in use.
    Rows {
        source: usize,
        codes: Vec<u32>,
        null: u32,
        seen: Vec<u32>,
        count: u32,
    },
}

impl<'k> Numbering<'k> {
    /// With room for about `rows` rows.
    pub fn new(keys: &'k [Kernel], rows: usize) -> Self {
        let pairs = keys.iter().skip(1).map(|_| Map::default()).collect();
        Self { keys: keys.iter().map(|key| Key::new(key, rows)).collect(), pairs }
    }

    /// How many different keys there are.
    pub fn len(&self) -> usize {
        match (self.pairs.last(), self.keys.first()) {
            (Some(pairs), _) => pairs.len(),
            (None, Some(Key::Each(_, codes))) => codes.len(),
            (None, Some(Key::Rows { count, .. })) => *count as usize,
            (None, None) => 1,
        }
    }

    /// The numbers of a batch.
    pub fn number(&mut self, batch: &Batch<'_>) -> Option<Vec<u32>> {
        let mut numbers: Option<Vec<u32>> = None;
        for (position, key) in self.keys.iter_mut().enumerate() {
            let codes = key.codes(batch)?;
            numbers = Some(match numbers {
                None => codes,
                Some(before) => {
                    let pairs = self.pairs.get_mut(position - 1)?;
                    before.iter().zip(codes).map(|(a, b)| pair(pairs, *a, b)).collect()
                }
            });
        }
        Some(numbers.unwrap_or_else(|| vec![0; batch.len]))
    }
}

impl<'k> Key<'k> {
    fn new(kernel: &'k Kernel, rows: usize) -> Self {
        if let Kernel::Column { source, cells } = kernel
            && cells.len() * 4 <= rows
        {
            let mut all = Codes::new(cells.len());
            let mut codes = Vec::with_capacity(cells.len() + 1);
            let whole = Batch { len: cells.len(), at: vec![At::From(0); source + 1] };
            let null = Vector::constant(crate::value::Value::Null);
            let filled = kernel.eval(&whole).and_then(|vector| all.insert(&vector, cells.len(), &mut codes));
            if filled.is_some() && all.insert(&null, 1, &mut codes).is_some() {
                let null = codes.pop().unwrap_or(NOWHERE);
                return Self::Rows { source: *source, codes, null, seen: vec![NOWHERE; all.len()], count: 0 };
            }
        }
        Self::Each(kernel, Codes::new(rows))
    }

    fn codes(&mut self, batch: &Batch<'_>) -> Option<Vec<u32>> {
        let mut numbers = Vec::with_capacity(batch.len);
        match self {
            Self::Each(kernel, codes) => codes.insert(&kernel.eval(batch)?, batch.len, &mut numbers)?,
            Self::Rows { source, codes, null, seen, count } => {
                let mut next = || {
                    *count += 1;
                    *count - 1
                };
                let mut number = |row: usize| {
                    let code = codes.get(row).copied().unwrap_or(*null);
                    seen.get_mut(code as usize).map_or(NOWHERE, |place| given(place, &mut next))
                };
                match batch.at.get(*source)? {
                    At::From(start) => numbers.extend((*start..start + batch.len).map(number)),
                    At::Positions(rows) => numbers.extend(rows.iter().map(|row| number(*row as usize))),
                }
            }
        }
        Some(numbers)
    }
}

/// The rows of a source by their keys, for joins; null never matches as a key.
pub(crate) struct JoinIndex {
    keys: Vec<Codes>,
    pairs: Vec<Map<(u32, u32)>>,
    /// The first row of each key.
    first: Vec<u32>,
    /// The next row of the same key.
    next: Vec<u32>,
}

impl JoinIndex {
    /// The index of a source by the kernels of its keys; `None` if one declines. `stretches` are all its rows.
    pub fn new<'b>(kernels: &[Kernel], stretches: impl Iterator<Item = Batch<'b>>, rows: usize) -> Option<Self> {
        let mut index = Self {
            keys: kernels.iter().map(|_| Codes::new(rows)).collect(),
            pairs: kernels.iter().skip(1).map(|_| Map::default()).collect(),
            first: Vec::new(),
            next: vec![NOWHERE; rows],
        };
        let mut numbers: Vec<u32> = Vec::with_capacity(rows);
        for batch in stretches {
            let start = numbers.len();
            for (position, (kernel, codes)) in kernels.iter().zip(&mut index.keys).enumerate() {
                let vector = kernel.eval(&batch)?;
                if position == 0 {
                    codes.insert(&vector, batch.len, &mut numbers)?;
                    continue;
                }
                let mut others = Vec::with_capacity(batch.len);
                codes.insert(&vector, batch.len, &mut others)?;
                let pairs = index.pairs.get_mut(position - 1)?;
                for (number, other) in numbers.iter_mut().skip(start).zip(others) {
                    *number = pair(pairs, *number, other);
                }
            }
        }
        let different = match index.pairs.last() {
            Some(pairs) => pairs.len(),
            None => index.keys.first().map_or(0, Codes::len),
        };
        index.first = vec![NOWHERE; different];
        // From the last row to the first, so that the rows of a key come in their order.
        for (row, number) in (0..numbers.len() as u32).zip(&numbers).rev() {
            let first = index.first.get_mut(*number as usize)?;
            *index.next.get_mut(row as usize)? = std::mem::replace(first, row);
        }
        Some(index)
    }

    /// The first row with the keys of each row of a batch, else [`NOWHERE`]; `None` if a kernel declines.
    pub fn find(&self, kernels: &[Kernel], batch: &Batch<'_>) -> Option<Vec<u32>> {
        let mut numbers = Vec::with_capacity(batch.len);
        for (position, (kernel, codes)) in kernels.iter().zip(&self.keys).enumerate() {
            let vector = kernel.eval(batch)?;
            if position == 0 {
                codes.find(&vector, batch.len, &mut numbers)?;
                continue;
            }
            let mut others = Vec::with_capacity(batch.len);
            codes.find(&vector, batch.len, &mut others)?;
            let pairs = self.pairs.get(position - 1)?;
            for (number, other) in numbers.iter_mut().zip(others) {
                let both = *number != NOWHERE && other != NOWHERE;
                *number = both.then(|| pairs.get(&(*number, other)).copied()).flatten().unwrap_or(NOWHERE);
            }
        }
        for number in &mut numbers {
            *number = self.first.get(*number as usize).copied().unwrap_or(NOWHERE);
        }
        Some(numbers)
    }

    /// The next row with the same keys.
    pub fn next(&self, row: u32) -> u32 {
        self.next.get(row as usize).copied().unwrap_or(NOWHERE)
    }
}
