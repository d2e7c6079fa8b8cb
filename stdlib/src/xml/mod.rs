//! XML: texts to values and back.
//!
//! Elements become records and texts as they close, so only the wanted ones are kept in memory. Only the five entities
//! of XML itself are supported, so nothing outside the text is ever read and no entity can expand without limit.

mod attributes;
mod chars;
mod events;
mod fill;
mod node;
mod path;
mod select;
mod sink;
#[cfg(test)]
mod tests;
mod write;

pub use select::{decode, select};
pub use sink::XmlError;
pub use write::encode;

use crate::arguments::too_long;
use crate::row::{Row, fails, gives, row};
use crate::unwritten::EncodeError;
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, NativeResult};
use flowscript_lang::value::{Rows, Value};
use path::Path;

pub(crate) const ROWS: &[Row] = &[
    row("XML.Decode(text: text) -> record", "The value in an XML text: a record with the root element.", xml_decode).pays_itself()
        .rules(
            "Elements are fields, repeated ones a list. Attributes are `@name`, the text next to attributes or elements is `#text`; an \
             element with text only is that text, an empty one `''`. Names keep their prefix, which need not be declared. Line \
             ends become line feeds, blanks in attributes spaces. Text that is not well-formed XML 1.0 is an error with line and column, \
             so are a DOCTYPE with entities, an unknown entity, nesting deeper than 200 and names of more than 65,536 bytes.",
        )
        .examples(&[
            gives("XML.Decode('<o id=\"7\"><l>1</l><l>2</l><n>a &amp; b</n></o>')", "{o: {\"@id\": '7', l: ['1', '2'], n: 'a & b'}}"),
            fails("XML.Decode('<a><b></a>')", "line 1, column 7"),
        ]),
    row("XML.Encode(record: record, root: text) -> text", "A record as an XML element of a name.", xml_encode).pays_itself()
        .rules("The inverse of `XML.Decode`: `XML.Encode(XML.Decode(t).o, 'o')`. Lists repeat their element, `null` is left out.")
        .examples(&[gives("XML.Encode({\"@id\": 7, l: [1, 2], n: 'a & b'}, 'o')", "'<o id=\"7\"><l>1</l><l>2</l><n>a &amp; b</n></o>'")]),
    row("XML.Select(text: text, path: text) -> list", "The elements or attributes that a path finds.", xml_select).pays_itself()
        .rules(
            "The useful part of XPath: `/a/b` from the root, `//b` at any depth, `*` for any name, `@x` for an attribute, and after a \
             name `[2]` (the second of its parent, counted from 1), `[@x]` and `[@x='v']`. Elements come as by `XML.Decode`. A path has 65,536 bytes at most.",
        )
        .examples(&[
            gives("XML.Select('<o><l q=\"1\">A</l><l q=\"2\">B</l></o>', '/o/l[@q=\"2\"]/#text')", "['B']"),
            gives("XML.Select('<o><l q=\"1\">A</l><l q=\"2\">B</l></o>', '//l/@q')", "['1', '2']"),
            fails("XML.Select('<o/>', '/o[')", "path"),
        ]),
    row("XMLFill(target: table, text: text, rowPath: text) -> same(target)", "A row for each element at a path, in the columns of a table.", xml_fill).pays_itself()
        .rules(
            "A column takes the child element, else the attribute, of its name; a missing one is the column's default, so is an empty one \
             of a column that is not text. Values are converted to the column types of `table(T)`. Paths are those of `XML.Select`. Rows \
             that the target has already are not kept.",
        )
        .examples(&[gives(
            "XMLFill(table(sku, qty), '<o><l sku=\"A\"><qty>2</qty></l><l><sku>B</sku></l></o>', '/o/l')",
            "[{sku: 'A', qty: '2'}, {sku: 'B', qty: null}]",
        )]),
];

fn xml_decode(call: &mut Call<'_>) -> NativeResult {
    let text = call.eco_text(0);
    decode(&text, call.budget()).map(Value::Record).map_err(|error| failed(call, error))
}

fn xml_encode(call: &mut Call<'_>) -> NativeResult {
    let (record, root) = (call.record(0), call.eco_text(1));
    match write::write(&record, &root, call.budget()) {
        Ok(text) => Ok(Value::Text(text)),
        Err(EncodeError::Value(message)) => Err(call.value_error(message)),
        Err(EncodeError::TooLong { most }) => Err(too_long(call, most)),
        Err(EncodeError::Stopped(error)) => Err(error),
    }
}

fn xml_select(call: &mut Call<'_>) -> NativeResult {
    let path = path(call, 1)?;
    let text = call.eco_text(0);
    select::by_path(&text, &path, call.budget()).map(Value::list).map_err(|error| failed(call, error))
}

fn xml_fill(call: &mut Call<'_>) -> NativeResult {
    let target = match call.rows(0) {
        Rows::Table(table) => table,
        Rows::List(_) => return Err(call.refuse(0, "a table, which gives the columns: table(a, b) or table(T)")),
    };
    let path = path(call, 2)?;
    let (text, zone) = (call.eco_text(1), call.context.zone());
    let filled = fill::fill(&target, &text, &path, zone, call.budget());
    filled.map(Value::table).map_err(|error| failed(call, error))
}

fn path(call: &Call<'_>, position: usize) -> Result<Path, Box<RunError>> {
    Path::parse(call.text(position)).map_err(|message| call.value_error(message))
}

fn failed(call: &Call<'_>, error: XmlError) -> Box<RunError> {
    match error.stopped {
        Some(stopped) => stopped,
        None => call.value_error(error),
    }
}
