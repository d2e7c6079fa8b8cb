//! Trees as compact s-expressions, so that a test is one line.

use crate::ast::*;

/// Joins with blanks.
fn all<T>(items: &[T], print: impl Fn(&T) -> String) -> String {
    items.iter().map(print).collect::<Vec<_>>().join(" ")
}

fn optional<T>(item: Option<&T>, print: impl Fn(&T) -> String) -> String {
    item.map_or_else(String::new, |item| format!(" {}", print(item)))
}

pub(super) fn script(script: &Script) -> String {
    all(&script.statements, statement)
}

fn block(block: &Block) -> String {
    format!("{{{}}}", all(&block.statements, statement))
}

fn statement(statement: &Statement) -> String {
    let private = |private: bool| if private { "private " } else { "" };
    match &statement.kind {
        StatementKind::Let { private: hidden, name, annotation, value } => {
            let ty = annotation.as_ref().map_or_else(String::new, |annotation| format!(":{}", ty(annotation)));
            format!("({}let {}{ty} {})", private(*hidden), name.text, expr(value))
        }
        StatementKind::Set { name, path, value } => {
            let path: String = path
                .iter()
                .map(|step| match step {
                    PathStep::Field(field) => format!(".{}", field.text),
                    PathStep::Index(index) => format!("[{}]", expr(index)),
                })
                .collect();
            format!("(set {}{path} {})", name.text, expr(value))
        }
        StatementKind::If { branches, otherwise } => {
            let branches = all(branches, |(condition, body)| format!("{} {}", expr(condition), block(body)));
            format!("(if {branches}{})", optional(otherwise.as_ref(), block))
        }
        StatementKind::For { name, rows, body } => format!("(for {} {} {})", name.text, expr(rows), block(body)),
        StatementKind::While { condition, body } => format!("(while {} {})", expr(condition), block(body)),
        StatementKind::Break => "break".to_owned(),
        StatementKind::Continue => "continue".to_owned(),
        StatementKind::Return(value) => format!("(return{})", optional(value.as_ref(), expr)),
        StatementKind::Try { body, name, handler } => {
            format!("(try {}{} {})", block(body), optional(name.as_ref(), |name| name.text.to_string()), block(handler))
        }
        StatementKind::Type { private: hidden, name, definition } => {
            format!("({}type {} {})", private(*hidden), name.text, ty(definition))
        }
        StatementKind::Function { private: hidden, name, function: value } => {
            format!("({}function {} {})", private(*hidden), name.text, function(value))
        }
        StatementKind::Open(name) => format!("(open {})", name.text),
        StatementKind::Assert(value) => format!("(assert {})", expr(value)),
        StatementKind::Expression(value) => format!("(do {})", expr(value)),
        StatementKind::Invalid => "invalid".to_owned(),
    }
}

fn function(function: &FunctionExpr) -> String {
    let parameters = all(&function.parameters, |parameter| {
        let ty = parameter.annotation.as_ref().map_or_else(String::new, |annotation| format!(":{}", ty(annotation)));
        let default = parameter.default.as_ref().map_or_else(String::new, |default| format!("={}", expr(default)));
        format!("{}{ty}{default}", parameter.name.text)
    });
    let result = function.result.as_ref().map_or_else(String::new, |result| format!(":{}", ty(result)));
    let body = match &function.body {
        FunctionBody::Expr(value) => expr(value),
        FunctionBody::Block(body) => block(body),
    };
    format!("({parameters}){result} {body}")
}

fn fields(items: &[RecordField]) -> String {
    all(items, |field| {
        if field.shorthand {
            field.label.text.to_string()
        } else {
            format!("{}:{}", field.label.text, expr(&field.value))
        }
    })
}

pub(super) fn template(parts: &[TemplatePart]) -> String {
    all(parts, |part| match part {
        TemplatePart::Text(text) => format!("{text:?}"),
        TemplatePart::Expr(value) => expr(value),
    })
}

pub(super) fn expr(value: &Expr) -> String {
    match &value.kind {
        ExprKind::Null => "null".to_owned(),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Number(number) => number.to_string(),
        ExprKind::Text(text) => format!("{text:?}"),
        ExprKind::Template(parts) => format!("(template {})", template(parts)),
        ExprKind::Name(name) => name.to_string(),
        ExprKind::List(items) => format!("[{}]", all(items, expr)),
        ExprKind::Record(items) => format!("{{{}}}", fields(items)),
        ExprKind::Tuple(items) => format!("(tuple {})", all(items, expr)),
        ExprKind::Paren(inner) => format!("'{}", expr(inner)),
        ExprKind::Postfix { base, steps } => {
            let steps: String = steps
                .iter()
                .map(|step| match &step.kind {
                    PostfixKind::Field(name) => format!(".{}", name.text),
                    PostfixKind::SafeField(name) => format!("?.{}", name.text),
                    PostfixKind::Index(index) => format!("[{}]", expr(index)),
                    PostfixKind::Call { type_argument, arguments } => {
                        let argument =
                            type_argument.as_ref().map_or_else(String::new, |argument| format!("<{}>", ty(argument)));
                        format!("{argument}({})", all(arguments, expr))
                    }
                })
                .collect();
            format!("{}{steps}", expr(base))
        }
        ExprKind::Negate(inner) => format!("(- {})", expr(inner)),
        ExprKind::Star(inner) => format!("(* {})", expr(inner)),
        ExprKind::Not(inner) => format!("(not {})", expr(inner)),
        ExprKind::Binary { first, rest } => {
            let rest = all(rest, |(operator, _, right)| format!("{operator:?} {}", expr(right)));
            format!("({} {rest})", expr(first))
        }
        ExprKind::Is { value, negated, ty: wanted } => {
            format!("({} {} {})", expr(value), if *negated { "is-not" } else { "is" }, ty(wanted))
        }
        ExprKind::Case { branches, otherwise } => {
            let branches = all(branches, |(condition, value)| format!("{}=>{}", expr(condition), expr(value)));
            format!("(case {branches}{})", optional(otherwise.as_deref(), expr))
        }
        ExprKind::New { ty: name, fields: items } => format!("(new {} {{{}}})", ty(name), fields(items)),
        ExprKind::Function(value) => format!("(fn {})", function(value)),
        ExprKind::Error(value) => format!("(error {})", expr(value)),
        ExprKind::Map { rows, body } => format!("(map {} {})", expr(rows), expr(body)),
        ExprKind::Select(value) => select(value),
        ExprKind::Query { source, operators } => {
            format!(
                "({} | {})",
                expr(source),
                operators.iter().map(|(op, _)| query(op)).collect::<Vec<_>>().join(" | ")
            )
        }
        ExprKind::Invalid => "invalid".to_owned(),
    }
}

fn query(operator: &QueryOp) -> String {
    match operator {
        QueryOp::Where(condition) => format!("where {}", expr(condition)),
        QueryOp::With { change, condition } => {
            format!("with {}{}", expr(change), optional(condition.as_ref(), |limit| format!("where {}", expr(limit))))
        }
        QueryOp::WithGuards { guards, condition } => {
            let guards = all(guards, |(change, guard)| {
                format!(
                    "{} {}",
                    expr(change),
                    guard.as_ref().map_or("otherwise".to_owned(), |guard| format!("when {}", expr(guard)))
                )
            });
            format!("with {guards}{}", optional(condition.as_ref(), |limit| format!("where {}", expr(limit))))
        }
        QueryOp::Except(record) => format!("except {}", expr(record)),
        QueryOp::ExceptWhere(condition) => format!("except where {}", expr(condition)),
        QueryOp::OrderBy(keys) => format!("order {}", all(keys, order_key)),
        QueryOp::GroupBy(keys) => format!("group {}", all(keys, group_key)),
    }
}

fn order_key(key: &OrderKey) -> String {
    format!("{}{}", expr(&key.value), if key.descending { "↓" } else { "" })
}

fn group_key(key: &GroupKey) -> String {
    let label = key.label.as_ref().map_or_else(String::new, |label| format!("{}:", label.text));
    format!("{label}{}", expr(&key.value))
}

fn select(select: &Select) -> String {
    let items = all(&select.items, |item| match item {
        SelectItem::All(_) => "*".to_owned(),
        SelectItem::AllOf(name) => format!("{}.*", name.text),
        SelectItem::Value { label, value } => {
            format!("{}{}", label.as_ref().map_or_else(String::new, |label| format!("{}:", label.text)), expr(value))
        }
    });
    let distinct = if select.distinct { " distinct" } else { "" };
    let joins = select.joins.iter().map(|join| {
        let kind = if join.left { "left" } else { "inner" };
        format!(" {kind} {} on {}", source(&join.source), expr(&join.on))
    });
    let keys = |word: &str, keys: String| if keys.is_empty() { keys } else { format!(" {word} {keys}") };
    [
        format!("(select{distinct} {items} from {}", source(&select.source)),
        joins.collect(),
        optional(select.condition.as_ref(), |condition| format!("where {}", expr(condition))),
        keys("group", all(&select.group, group_key)),
        optional(select.having.as_ref(), |condition| format!("having {}", expr(condition))),
        keys("order", all(&select.order, order_key)),
        ")".to_owned(),
    ]
    .concat()
}

fn source(source: &Source) -> String {
    format!(
        "{}{}",
        expr(&source.value),
        source.alias.as_ref().map_or_else(String::new, |alias| format!("@{}", alias.text))
    )
}

pub(super) fn ty(value: &TypeExpr) -> String {
    match &value.kind {
        TypeExprKind::Name(name) => name.to_string(),
        TypeExprKind::Member(module, name) => format!("{}.{}", module.text, name.text),
        TypeExprKind::Nullable(inner) => format!("{}?", ty(inner)),
        TypeExprKind::Many(inner) => format!("{}*", ty(inner)),
        TypeExprKind::Record(items) => {
            let fields = all(items, |field| {
                let annotation =
                    field.ty.as_ref().map_or_else(String::new, |annotation| format!(":{}", ty(annotation)));
                let default = field.default.as_ref().map_or_else(String::new, |default| format!("={}", expr(default)));
                format!("{}{annotation}{default}", field.name.text)
            });
            format!("{{{fields}}}")
        }
        TypeExprKind::Function(parameters, result) => format!("(({})->{})", all(parameters, ty), ty(result)),
    }
}
