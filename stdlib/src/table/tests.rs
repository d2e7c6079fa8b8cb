use crate::testing::{closure, shown};
use flowscript_lang::value::{ColumnType, Number, RowType, Shape, SimpleKind, Table, Value};
use std::sync::Arc;

fn numbers(numbers: &[i64]) -> Value {
    Value::list(numbers.iter().map(|number| Value::from(*number)).collect())
}

fn prices() -> Value {
    let row = |price: Value| Value::record([("price", price)]);
    Value::list(vec![row(2.into()), row(Value::Null), row("1,5".into())])
}

fn above(limit: i64) -> Value {
    closure(move |row| Value::Bool(matches!(&row[0], Value::Number(n) if *n > Number::from(limit))))
}

fn price() -> Value {
    closure(|row| match &row[0] {
        Value::Record(record) => record.get("price").expect("a price"),
        other => panic!("not a row: {other:?}"),
    })
}

#[test]
fn row_expressions_may_be_constants() {
    assert_eq!(shown("Any", vec![numbers(&[1]), 0.into()]), "false");
    assert_eq!(shown("All", vec![numbers(&[1]), "yes".into()]), "true");
    assert_eq!(shown("Count", vec![numbers(&[1, 2]), Value::Null]), "0");
    assert_eq!(shown("Sum", vec![numbers(&[1, 2]), 3.into()]), "6");
    assert_eq!(shown("Map", vec![numbers(&[1, 2]), "x".into()]), "['x', 'x']");
}

#[test]
fn row_functions_are_called_with_the_row() {
    assert_eq!(shown("Any", vec![numbers(&[1, 5]), above(4)]), "true");
    assert_eq!(shown("All", vec![numbers(&[1, 5]), above(4)]), "false");
    assert_eq!(shown("Count", vec![numbers(&[1, 5, 9]), above(4)]), "2");
    assert_eq!(shown("First", vec![numbers(&[1, 5, 9]), above(4)]), "5");
    assert_eq!(shown("Last", vec![numbers(&[1, 5, 3]), above(2)]), "3");
    assert_eq!(shown("Filter", vec![numbers(&[1, 5, 3]), above(2)]), "[5, 3]");
    assert_eq!(shown("TakeWhile", vec![numbers(&[5, 3, 1, 4]), above(2)]), "[5, 3]");
    assert_eq!(shown("SkipWhile", vec![numbers(&[5, 3, 1, 4]), above(2)]), "[1, 4]");
    assert_eq!(shown("Sum", vec![prices(), price()]), "3.5");
    assert_eq!(shown("Avg", vec![prices(), price()]), "1.75");
    assert_eq!(
        shown("First", vec![numbers(&[1]), above(4)]),
        "First: the table has no rows for which the condition is true"
    );
    assert_eq!(shown("First", vec![Value::Null]), "First: the table has no rows");
}

#[test]
fn what_cannot_be_added_or_compared_says_so() {
    assert_eq!(
        shown("Sum", vec![prices()]),
        "Sum: row 0 is {price: 2} of type record, where a number is expected. Name what to add: Sum(t, price) or Sum(t.price)."
    );
    assert_eq!(
        shown("Avg", vec![Value::list(vec!["x".into()])]),
        "Avg: row 0 is 'x' of type text, where a number is expected."
    );
    let large = || Value::Number(Number::parse("7e28").expect("number"));
    assert_eq!(shown("Sum", vec![Value::list(vec![large(), large()])]), "Sum: number overflow.");
    assert_eq!(
        shown("Max", vec![1.into(), "x".into()]),
        "Max: 'x' of type text cannot be compared with 1 of type number."
    );
    assert!(shown("Min", vec![prices()]).starts_with("Min: {price: 2} of type record has no order."));
}

#[test]
fn extremes_skip_null() {
    assert_eq!(shown("Min", vec![Value::Null, 3.into(), "2".into()]), "'2'");
    assert_eq!(shown("Max", vec![Value::list(vec![Value::Null])]), "null");
    assert_eq!(shown("Max", vec![Value::Null]), "null");
    assert_eq!(shown("Max", vec![false.into(), true.into()]), "true");
}

#[test]
fn the_first_of_none_is_the_types_default() {
    let column = |default: Value| ColumnType { kind: SimpleKind::Any, nullable: true, default };
    let row_type = Some(Arc::new(RowType { columns: vec![column("x".into()), column(3.into())] }));
    let table = || Value::table(Table::empty(Shape::new(["n".into(), "q".into()]), row_type.clone()));
    assert_eq!(shown("FirstOrDefault", vec![table()]), "{n: 'x', q: 3}");
    assert_eq!(shown("FirstOrDefault", vec![table(), 5.into()]), "5");
    assert_eq!(shown("FirstOrEmpty", vec![table()]), "{n: null, q: null}");
    assert_eq!(shown("FirstOrDefault", vec![Value::Null]), "null");
}

#[test]
fn lists_and_tables_keep_their_kind() {
    assert_eq!(shown("Take", vec![prices(), 1.into()]), "[{price: 2}]");
    assert_eq!(shown("Skip", vec![numbers(&[1, 2]), (-1).into()]), "[1, 2]");
    let empty = Value::table(Table::empty(Shape::new(["a".into()]), None));
    let taken = crate::testing::call("Take", vec![empty.clone(), 5.into()]).expect("a table");
    assert!(matches!(&taken, Value::Table(table) if table.shape().len() == 1));
    let joined = crate::testing::call("Concat", vec![empty, Value::empty_list()]).expect("a table");
    assert!(matches!(&joined, Value::Table(table) if table.shape().len() == 1));
    assert_eq!(shown("Concat", vec![Value::Null, numbers(&[1])]), "[1]");
    assert_eq!(shown("Reverse", vec![prices()]), "[{price: '1,5'}, {price: null}, {price: 2}]");
    assert_eq!(
        shown("Distinct", vec![Value::list(vec![1.into(), "1".into(), Value::Null, 1.into(), Value::Null])]),
        "[1, '1', null]"
    );
    assert_eq!(shown("Chunk", vec![numbers(&[1, 2, 3]), 2.into()]), "[[1, 2], [3]]");
    assert_eq!(shown("Zip", vec![numbers(&[1, 2, 3]), numbers(&[4])]), "[[1, 4]]");
    assert_eq!(shown("Flatten", vec![Value::list(vec![numbers(&[1]), 2.into(), Value::Null])]), "[1, 2, null]");
    assert_eq!(shown("IndexOf", vec![numbers(&[1, 2]), "2".into()]), "1");
    let add = closure(|values| match (&values[0], &values[1]) {
        (Value::Number(a), Value::Number(b)) => Value::Number(a.checked_add(*b).expect("small")),
        other => panic!("not numbers: {other:?}"),
    });
    assert_eq!(shown("Reduce", vec![numbers(&[1, 2]), add, 10.into()]), "13");
}

#[test]
fn unknown_columns_have_hints() {
    let pivot = |value: &str| shown("Pivot", vec![prices(), "price".into(), "price".into(), value.into()]);
    assert_eq!(pivot("pricee"), "Pivot: the table has no column pricee. Did you mean price?");
    assert_eq!(pivot("xyz"), "Pivot: the table has no column xyz. It has price.");
}
