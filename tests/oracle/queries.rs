//! Queries for generated programs: operators and `select` over tables of a few rows and of many, with columns a (numbers)
//! and b (texts), nulls among them, sometimes of mixed types.

use crate::generate::{Kind, Writer};

/// A table with the columns a and b.
pub fn table(writer: &mut Writer<'_>, depth: usize) -> String {
    let rows = source(writer, depth);
    match writer.choose(15) {
        0..=2 => format!("({rows} where {})", condition(writer, 2)),
        3 => {
            let desc = ["", " desc"][writer.choose(2)];
            format!("({rows} order by {}{desc}, b)", value(writer, 1))
        }
        4 => format!("({rows} with [a: {}])", value(writer, 2)),
        5 => format!("({rows} with [a: {}] where {})", value(writer, 1), condition(writer, 1)),
        6 => format!(
            "({rows} with {{a: {}}} when {}, {{b: {}}} when {}, {{a: 0, b: 'o'}} otherwise)",
            value(writer, 1),
            condition(writer, 1),
            text(writer),
            condition(writer, 1)
        ),
        7 => format!("(map {rows} as [a: {}, b: {}])", value(writer, 2), text(writer)),
        8 => format!("({rows} except [a: {}])", writer.choose(5)),
        9 => format!("({rows} except where {})", condition(writer, 2)),
        10 => format!("(select distinct a, b from {rows} x where {})", condition(writer, 1)),
        11 => joined(writer, &rows, depth),
        12 => grouped(writer, &rows),
        13 => format!("Take(({rows} where {}), {})", condition(writer, 1), writer.choose(40)),
        _ => format!("(select b, a: {} from {rows} order by a desc, b)", value(writer, 1)),
    }
}

/// A number computed by a query.
pub fn number(writer: &mut Writer<'_>, depth: usize) -> String {
    let rows = table(writer, depth);
    match writer.choose(9) {
        0 => format!("Count({rows} where {})", condition(writer, 2)),
        1 => format!("Sum({rows}, {})", value(writer, 2)),
        2 => format!("case when Any({rows}, {}) then 1 else 0 end", condition(writer, 1)),
        3 => format!("case when All({rows}, {}) then 1 else 0 end", condition(writer, 1)),
        4 => format!("Count({rows}, {})", condition(writer, 1)),
        5 => format!("(FirstOrDefault({rows} where {}, {{a: 3}}).a ?? 2)", condition(writer, 1)),
        6 => format!("Count(({rows} group by a, c: {}).c)", value(writer, 1)),
        7 => format!("Count({rows} group by {})", ["a", "b", "a, b"][writer.choose(3)]),
        _ => format!("(First({rows} order by {}).a ?? 1)", value(writer, 1)),
    }
}

fn source(writer: &mut Writer<'_>, depth: usize) -> String {
    match writer.choose(6) {
        0 => writer.expr(Kind::Table, depth.min(1)),
        1 => "(map range(0, 30) as [a: row, b: 'k' & row mod 5])".into(),
        2 => "(map range(0, 60) as [a: case when row mod 7 > 0 then row mod 7 end, b: case when row mod 4 > 0 then 't' & row mod 4 end])".into(),
        3 => "(map range(0, 40) as [a: case when row = 33 then 'x' else row / 4 end, b: 'B' & row])".into(),
        4 => "(map range(0, 1100) as [a: row mod 97 - 20.5, b: 'g' & row mod 11])".into(),
        _ if depth > 0 => table(writer, depth - 1),
        _ => "(map range(0, 25) as [a: null, b: null])".into(),
    }
}

/// A value of a row, mostly a number.
fn value(writer: &mut Writer<'_>, depth: usize) -> String {
    if depth == 0 {
        return match writer.choose(7) {
            0..=2 => "a".into(),
            3 => ["1", "0", "2.50", "-7"][writer.choose(4)].into(),
            4 => writer.expr(Kind::Number, 0),
            5 => "row.a".into(),
            _ => "null".into(),
        };
    }
    let deeper = depth - 1;
    match writer.choose(9) {
        0 => value(writer, 0),
        1..=4 => {
            let op = ["+", "-", "*", "/", "mod"][writer.choose(5)];
            format!("({} {op} {})", value(writer, deeper), value(writer, deeper))
        }
        5 => format!("-({})", value(writer, deeper)),
        6 => format!("({} ?? {})", value(writer, deeper), value(writer, deeper)),
        7 => format!(
            "case when {} then {} else {} end",
            condition(writer, deeper),
            value(writer, deeper),
            value(writer, deeper)
        ),
        _ => writer.expr(Kind::Any, 1),
    }
}

fn text(writer: &mut Writer<'_>) -> String {
    match writer.choose(5) {
        0 | 1 => "b".into(),
        2 => "'t1'".into(),
        3 => format!("case when {} then b else 'k2' end", condition(writer, 0)),
        _ => "Upper(b ?? 'n')".into(),
    }
}

fn condition(writer: &mut Writer<'_>, depth: usize) -> String {
    let deeper = depth.saturating_sub(1);
    let among = if depth == 0 { 8 } else { 12 };
    match writer.choose(among) {
        0..=2 => {
            let op = ["=", "!=", "<", ">", "<=", ">="][writer.choose(6)];
            format!("({} {op} {})", value(writer, deeper), value(writer, deeper))
        }
        3 => {
            let op = ["=", "!=", "<", ">="][writer.choose(4)];
            format!("({} {op} {})", text(writer), ["'t1'", "'k3'", "b", "'12'"][writer.choose(4)])
        }
        4 => {
            let (not, pattern) = (["", "not "][writer.choose(2)], ["t%", "%1", "_3", "K[2-4]", "%"][writer.choose(5)]);
            format!("(b {not}like '{pattern}')")
        }
        5 => {
            let not = ["", "not "][writer.choose(2)];
            format!(
                "({} {not}in ({}))",
                value(writer, deeper),
                ["1, 3, 5", "2", "1, null", "'2', 4", "[1, 2]"][writer.choose(5)]
            )
        }
        6 => format!("({} is {}null)", ["a", "b"][writer.choose(2)], ["", "not "][writer.choose(2)]),
        7 => ["a", "b", "a > 3", "b in ('t1', 'k2', 'g3')"][writer.choose(4)].into(),
        8 | 9 => {
            let op = ["and", "or"][writer.choose(2)];
            format!("({} {op} {})", condition(writer, deeper), condition(writer, deeper))
        }
        10 => format!("(not {})", condition(writer, deeper)),
        _ => format!("({} and Upper(b ?? '') > 'G')", condition(writer, deeper)),
    }
}

fn joined(writer: &mut Writer<'_>, rows: &str, depth: usize) -> String {
    let other = source(writer, depth.min(1));
    let kind = ["join", "left join"][writer.choose(2)];
    let on = match writer.choose(5) {
        0 | 1 => "x.a = y.a".to_owned(),
        2 => "x.b = y.b and x.a = y.a".to_owned(),
        3 => "x.b = y.b and y.a > 3".to_owned(),
        _ => "x.a + 1 = y.a".to_owned(),
    };
    let condition = match writer.choose(3) {
        0 => "",
        1 => " where x.a > 2",
        _ => " where y.b is null or x.a = 3",
    };
    let order = ["", " order by a, b desc"][writer.choose(2)];
    // So that equal keys do not multiply without end.
    format!("(select x.a, y.b from Take({rows}, 60) x {kind} Take({other}, 60) y on {on}{condition}{order})")
}

fn grouped(writer: &mut Writer<'_>, rows: &str) -> String {
    let aggregate = match writer.choose(11) {
        0 => "count()".to_owned(),
        1 => format!("count({})", condition(writer, 1)),
        2 | 3 => format!("sum({})", value(writer, 1)),
        4 => format!("avg({})", value(writer, 1)),
        5 => "min(a)".to_owned(),
        6 => "max(a)".to_owned(),
        7 => format!("first({})", value(writer, 1)),
        8 => format!("last({})", value(writer, 1)),
        9 => format!("case when any({}) or all({}) then 1 else 2 end", condition(writer, 0), condition(writer, 0)),
        _ => "min(b)".to_owned(),
    };
    let key = match writer.choose(4) {
        0 | 1 => "b".to_owned(),
        2 => "b, c: a".to_owned(),
        _ => format!("b, c: {}", value(writer, 1)),
    };
    let having = ["", " having count() > 1", " having max(b) > 'k2' and count() < 9"][writer.choose(3)];
    let order = ["", " order by a desc, b"][writer.choose(2)];
    let condition = if writer.choose(2) == 1 { format!(" where {}", condition(writer, 1)) } else { String::new() };
    format!("(select b, a: {aggregate} from {rows}{condition} group by {key}{having}{order})")
}
