//! Remembers the shape of objects by their position in the texts read before, so that the next one is probably known.

use super::write::write_text;
use crate::shapes::Shapes;
use ecow::EcoString;
use flowscript_lang::value::{Record, Shape, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// The most positions told apart; names made of data would make positions without end.
const MOST: usize = 1_000;

/// The forms of the texts seen so far.
pub(super) struct Seen {
    places: Vec<Place>,
    shapes: Shapes,
    /// By the addresses of their shapes, which they keep alive.
    known: HashMap<usize, Arc<Known>>,
}

/// A place in a text: the whole, a field, or the elements of either.
pub(super) type PlaceId = u32;

/// The place of the whole text.
pub(super) const WHOLE: PlaceId = 0;

/// The last object at a place.
#[derive(Default)]
struct Place {
    known: Arc<Known>,
    /// The places of its fields; [`WHOLE`] for those without objects.
    fields: Vec<PlaceId>,
}

/// A shape, and its names as they are written in texts.
#[derive(Default)]
pub(super) struct Known {
    pub shape: Arc<Shape>,
    /// Each name in quotes, with its colon.
    pub names: Vec<Box<str>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { places: vec![Place::default()], shapes: Shapes::default(), known: HashMap::new() }
    }
}

impl Seen {
    /// The likely next object at a place.
    pub fn expected(&self, place: PlaceId) -> Arc<Known> {
        self.places.get(place as usize).map(|place| place.known.clone()).unwrap_or_default()
    }

    /// The place of a field of the objects at a place.
    pub fn field(&mut self, place: PlaceId, number: usize) -> PlaceId {
        let new = self.places.len();
        let Some(fields) = self.places.get_mut(place as usize).map(|place| &mut place.fields) else { return WHOLE };
        if fields.len() <= number {
            fields.resize(number + 1, WHOLE);
        }
        let Some(field) = fields.get_mut(number) else { return WHOLE };
        if *field != WHOLE {
            return *field;
        }
        if new >= MOST {
            // Too many: they share one place, where no expectation holds.
            return WHOLE;
        }
        *field = new as PlaceId;
        self.places.push(Place::default());
        new as PlaceId
    }

    /// The record of an unexpected object at a place. A repeated name keeps its first place and takes the last value.
    pub fn record(&mut self, place: PlaceId, names: Vec<EcoString>, cells: Vec<Value>) -> Record {
        let record = self.shapes.record(names, cells);
        let shape = record.shape();
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let known = self.known.entry(Arc::as_ptr(shape).addr()).or_insert_with(|| Arc::new(Known::new(shape)));
        if let Some(place) = self.places.get_mut(place as usize) {
            place.known = known.clone();
        }
        record
    }
}

impl Known {
    fn new(shape: &Arc<Shape>) -> Self {
        let written = |name: &EcoString| {
            let mut written = String::with_capacity(name.len() + 3);
            write_text(&mut written, name);
            written.push(':');
            written.into()
        };
        Self { shape: shape.clone(), names: shape.names().iter().map(written).collect() }
    }
}
