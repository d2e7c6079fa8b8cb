use super::*;
use crate::testing::{call, questions, shown};
use flowscript_lang::budget::{Allowance, Unlimited};
use flowscript_lang::error::ErrorKind;
use flowscript_lang::program::Limits;
use flowscript_lang::value::{ColumnType, RowType, SimpleKind, Zone};
use proptest::prelude::*;

fn decoded(text: &str) -> String {
    match decode(text, Dialect::default(), &mut Unlimited) {
        Ok(table) => Value::table(table).to_literal(500),
        Err(error) => error.to_string(),
    }
}

fn without_header(text: &str) -> String {
    match decode(text, Dialect { header: false, ..Dialect::default() }, &mut Unlimited) {
        Ok(table) => Value::table(table).to_literal(500),
        Err(error) => error.to_string(),
    }
}

#[test]
fn reads_what_rfc_4180_says() {
    for (text, wanted) in [
        ("a,b\r\n1,2\r\n", "[{a: '1', b: '2'}]"),
        ("a,b\n1,2", "[{a: '1', b: '2'}]"),
        ("a,b\n\"x,y\",\"q\"\"r\"\n", "[{a: 'x,y', b: 'q\"r'}]"),
        ("a\n\"1\r\n2\"\n", "[{a: '1\\r\\n2'}]"),
        ("a,b\n,\n", "[{a: '', b: ''}]"),
        ("a,b\n\n\n1,2\n\n", "[{a: '1', b: '2'}]"),
        ("\u{feff}a\n1\n", "[{a: '1'}]"),
        ("å\né\n", "[{å: 'é'}]"),
        ("", "[]"),
        ("a,b", "[]"),
        ("a,b\r\n1,2\r\n3\r\n", "line 3: the row has 1 cell where the header has 2 columns."),
        ("a\n\"1\n2\"\n\n3,4\n", "line 5: the row has 2 cells where the header has 1 column."),
        ("a,a\n1,2\n", "line 1: the header has two columns of the name 'a'. Give one of them another name."),
        ("a,b\n1,\"2\n", "line 2: a quote has no end."),
        ("a,b\n1,5\" pipe\n", "[{a: '1', b: '5\" pipe'}]"),
    ] {
        assert_eq!(decoded(text), wanted, "{text}");
    }
    assert_eq!(without_header("1,2\n3,4"), "[{column1: '1', column2: '2'}, {column1: '3', column2: '4'}]");
    assert_eq!(without_header("1,2\n3"), "line 2: the row has 1 cell where there are 2 columns.");
    assert_eq!(
        Value::from(decode("a,b", Dialect::default(), &mut Unlimited).expect("header").shape().len()).to_literal(9),
        "2"
    );
}

fn items() -> Value {
    let column = |kind, nullable, default: Value| ColumnType { kind, nullable, default };
    let columns = vec![
        column(SimpleKind::Text, false, "".into()),
        column(SimpleKind::Number, false, 7.into()),
        column(SimpleKind::Bool, true, Value::Null),
        column(SimpleKind::DateTime, true, Value::Null),
    ];
    let shape = Shape::new(["sku", "price", "ok", "on"].map(Into::into));
    Value::table(Table::empty(shape, Some(Arc::new(RowType { columns }))))
}

#[test]
fn fills_typed_columns() {
    let filled = |text: &str| shown("CSVFill", vec![items(), text.into(), ";".into()]);
    assert_eq!(
        filled("price;sku;x;on\n1,5;A;y;2024-01-02\n;;;"),
        "[{sku: 'A', price: 1.5, ok: null, on: 2024-01-02T00:00:00+01:00}, {sku: '', price: 7, ok: null, on: null}]"
    );
    assert_eq!(
        filled("sku;price\nA;1\nB;x"),
        "CSVFill: line 3: column price: The value 'x' of type text could not be converted to number."
    );
    assert_eq!(
        filled("a,b\n1,2"),
        "CSVFill: line 1: none of the columns sku, price, ok, on is in the header 'a,b'. Is the delimiter right?"
    );
    let Ok(Value::Table(table)) = call("CSVFill", vec![items(), "sku\nA".into()]) else { panic!("a table") };
    assert!(table.row_type().is_some());
    assert_eq!(
        shown("CSVFill", vec![items(), "A;1;TRUE;2024-07-01".into(), ";".into(), false.into()]),
        "[{sku: 'A', price: 1, ok: true, on: 2024-07-01T00:00:00+02:00}]"
    );
    assert!(
        shown("CSVFill", vec![items(), "A".into(), ",".into(), false.into()]).contains("line 1: the row has 1 cell")
    );
}

#[test]
fn refuses_what_is_no_delimiter() {
    for delimiter in ["", "ab", "é", "\"", "\n"] {
        assert!(
            shown("CSV.Decode", vec!["a".into(), delimiter.into()]).contains("delimiter takes one ASCII character")
        );
    }
}

#[test]
fn writes_crlf_and_quotes_where_needed() {
    let table = Value::list(vec![
        Value::record([("a", Value::from("x,y")), ("b", 1.into())]),
        Value::record([("a", Value::from("")), ("b", Value::Null)]),
    ]);
    assert_eq!(call("CSV.Encode", vec![table.clone()]).expect("csv").to_literal(99), r#"'a,b\r\n"x,y",1\r\n,\r\n'"#);
    assert_eq!(
        call("CSV.Encode", vec![table, ";".into(), false.into()]).expect("csv").to_literal(99),
        r"'x,y;1\r\n;\r\n'"
    );
    assert_eq!(shown("CSV.Encode", vec![Value::Null]), "''");
    let nested = Value::list(vec![Value::record([("a", Value::list(vec![1.into()]))])]);
    assert_eq!(
        shown("CSV.Encode", vec![nested]),
        "CSV.Encode: row 0 has [1] of type list in the column a, which has no text form."
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(cells in prop::collection::vec(("[a,\"\n\r é;]{0,5}", "[a,\"\n\r é;]{0,5}"), 1..6), semicolon: bool) {
        let dialect = Dialect { delimiter: if semicolon { b';' } else { b',' }, header: true };
        let rows = cells.iter().map(|(a, b)| Value::record([("x", Value::from(a.as_str())), ("y", Value::from(b.as_str()))]));
        let table = Value::list(rows.collect());
        let Value::Table(table) = &table else { panic!("a table") };
        let text = encode(table, dialect, &mut Unlimited).expect("texts");
        let again = decode(&text, dialect, &mut Unlimited).expect("csv");
        prop_assert_eq!(Value::table(again).to_literal(9_999), Value::Table(table.clone()).to_literal(9_999));
    }

    #[test]
    fn never_panics(text in "[ab,\"\n\r;]{0,30}", header: bool) {
        let dialect = Dialect { header, ..Dialect::default() };
        let _ = decode(&text, dialect, &mut Unlimited);
        let Value::Table(items) = items() else { panic!("a table") };
        let _ = fill(&items, &text, dialect, Zone::UTC, &mut Unlimited);
    }
}

#[test]
fn too_many_cells_are_a_limit() {
    let text = "a,b,c,d,e,f,g,h,i,j\n".repeat(1_000_002);
    let mut budget = Allowance::new("The text", Limits { memory: usize::MAX, ..Limits::default() }, &|| None);
    let error = decode(&text, Dialect { header: false, ..Dialect::default() }, &mut budget).expect_err("limit");
    assert_eq!(error.to_string(), "The table would have more than 10000000 cells, the limit.");
    assert_eq!(error.stopped.expect("a limit").kind, ErrorKind::Limit);
}

/// A text of 8 MiB, and the least number of questions that one more pass over it asks.
const LONG: usize = 8 << 20;
const ENOUGH: usize = 8;

#[test]
fn a_long_cell_is_written_in_pieces() {
    for (part, length) in [("x", LONG + 7), ("\"", 2 * LONG + 9), ("é,", LONG / 3 * 3 + 8)] {
        let cell = part.repeat(LONG / part.len());
        let Value::Table(table) = Value::list(vec![Value::record([("a", cell.into()), ("b", 1.into())])]) else {
            panic!("a table")
        };
        let (text, asked) = questions(|budget| encode(&table, Dialect::default(), budget));
        let text = text.expect("it has a text form");
        assert!(text.len().abs_diff(length) < 8 && asked > ENOUGH, "{part}: {} {asked}", text.len());
    }
}

#[test]
fn the_end_of_a_long_cell_is_looked_for_in_pieces() {
    let cell = "x".repeat(LONG);
    let reading = |text: &str| questions(|budget| decode(text, Dialect::default(), budget));
    let (read, asked) = reading(&format!("a\n{cell}\n1\n"));
    let (open, asked_open) = reading(&format!("a\n\"{cell}"));
    assert!(read.is_ok());
    assert_eq!(open.expect_err("it has no end").to_string(), "line 2: a quote has no end.");
    assert!(asked_open > asked + ENOUGH, "{asked_open} {asked}");
    let (blank, asked_blank) = reading(&format!("a\n{}1,2", "\n".repeat(LONG)));
    assert!(blank.expect_err("too many cells").to_string().starts_with("line 8388610: the row has 2 cells"));
    assert!(asked_blank > asked + ENOUGH, "{asked_blank} {asked}");
}

proptest! {
    #[test]
    fn what_is_written_is_that_of_the_csv_crate(
        rows in prop::collection::vec(prop::collection::vec("[a,\"\n\r é;#]{0,4}", 3), 0..4),
        width in 1..4usize,
        semicolon: bool,
    ) {
        let delimiter = if semicolon { b';' } else { b',' };
        let names = ["x", "a,b;", ""];
        let record = |row: &Vec<String>| {
            Value::record(names.iter().take(width).zip(row).map(|(name, cell)| (*name, Value::from(cell.as_str()))))
        };
        let Value::Table(table) = Value::list(rows.iter().map(record).collect()) else { return Ok(()) };
        let mut writer = csv::WriterBuilder::new().delimiter(delimiter).terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        writer.write_record(names.iter().take(width)).expect("in memory");
        for row in &rows {
            writer.write_record(row.iter().take(width)).expect("in memory");
        }
        let wanted = String::from_utf8(writer.into_inner().expect("in memory")).expect("UTF-8");
        let text = encode(&table, Dialect { delimiter, header: true }, &mut Unlimited).expect("texts");
        prop_assert_eq!(text, wanted);
    }
}
