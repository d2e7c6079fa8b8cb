use super::*;
use crate::testing::{call, shown};
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
            shown("CSV.Decode", vec!["a".into(), delimiter.into()]).contains("delimiter wants one ASCII character")
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
