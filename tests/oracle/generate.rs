//! Programs made from a stream of choices: equal choices make equal programs, smaller choices simpler ones.

use crate::queries;

/// The kind of a variable, as far as the generator needs it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Number,
    Text,
    Boolean,
    List,
    Table,
    Record,
    /// A function of one number.
    Function,
    /// Anything, `null` too.
    Any,
}

const KINDS: [Kind; 8] =
    [Kind::Number, Kind::Text, Kind::Boolean, Kind::List, Kind::Table, Kind::Record, Kind::Function, Kind::Any];

/// The program that these choices make.
pub fn program(choices: &[u8]) -> String {
    let mut writer =
        Writer { choices, at: 0, names: Vec::new(), functions: 0, next: 0, out: String::new(), budget: 60 };
    writer.functions();
    for kind in [Kind::Number, Kind::Any] {
        writer.declare(kind, 0);
    }
    for _ in 0..3 + writer.choose(6) {
        writer.statement(0, false);
    }
    let all: Vec<String> =
        writer.names.iter().filter(|(_, kind)| *kind != Kind::Function).map(|(n, _)| n.clone()).collect();
    writer.line(0, &format!("return [{}];", all.join(", ")));
    writer.out
}

pub struct Writer<'c> {
    choices: &'c [u8],
    at: usize,
    /// Variables in scope.
    names: Vec<(String, Kind)>,
    /// Functions `f0` to this one: of a number and anything.
    functions: usize,
    next: usize,
    out: String,
    /// Statements left.
    budget: usize,
}

impl Writer<'_> {
    /// A choice below `below`; the first when the stream is used up.
    pub fn choose(&mut self, below: usize) -> usize {
        let choice = self.choices.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(choice) % below
    }

    fn line(&mut self, depth: usize, text: &str) {
        self.out.push_str(&"  ".repeat(depth));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("v{}", self.next)
    }

    /// Functions before everything else. Each calls those before it, and itself with a smaller argument.
    fn functions(&mut self) {
        for number in 0..self.choose(3) {
            let parameters = ["n, x", "n: number, x", "n, x = 2", "n: number, x: number? = null"][self.choose(4)];
            let before = std::mem::take(&mut self.names);
            self.names = vec![("n".into(), Kind::Number), ("x".into(), Kind::Any)];
            self.functions = number;
            self.line(0, &format!("function f{number}({parameters}) {{"));
            let kind = [Kind::Number, Kind::Any][self.choose(2)];
            let base = self.expr(kind, 2);
            self.line(1, &format!("if n <= 0: return {base};"));
            for _ in 0..self.choose(3) {
                self.statement(1, false);
            }
            let step = self.choose(3) + 1;
            let result = match self.choose(4) {
                0 => format!("f{number}(n - {step}, x)"),
                1 => format!("f{number}(n - {step}, x) ?? {}", self.expr(Kind::Number, 2)),
                2 => format!("[f{number}(n - {step}, n), x]"),
                _ => self.expr(Kind::Number, 2),
            };
            self.line(1, &format!("return {result};"));
            self.line(0, "}");
            self.names = before;
            self.functions = number + 1;
        }
    }

    fn declare(&mut self, kind: Kind, depth: usize) {
        let name = self.fresh();
        let value = self.expr(kind, 3);
        let annotation = match kind {
            Kind::Number if self.choose(4) == 1 => ": number",
            Kind::Text if self.choose(4) == 1 => ": text",
            _ => "",
        };
        self.line(depth, &format!("let {name}{annotation} = {value};"));
        self.names.push((name, kind));
    }

    fn named(&mut self, kind: Kind) -> Option<String> {
        let fitting: Vec<String> =
            self.names.iter().filter(|(_, other)| *other == kind).map(|(name, _)| name.clone()).collect();
        if fitting.is_empty() { None } else { Some(fitting[self.choose(fitting.len())].clone()) }
    }

    fn statement(&mut self, depth: usize, in_loop: bool) {
        if self.budget == 0 || depth > 4 {
            return;
        }
        self.budget -= 1;
        match self.choose(15) {
            0 | 1 => {
                let kind = KINDS[self.choose(KINDS.len())];
                self.declare(kind, depth);
            }
            2 | 3 => self.set(depth),
            4 => {
                let condition = self.expr(Kind::Boolean, 3);
                self.line(depth, &format!("if {condition} {{"));
                self.block(depth, in_loop);
                if self.choose(2) == 1 {
                    self.line(depth, "} else {");
                    self.block(depth, in_loop);
                }
                self.line(depth, "}");
            }
            5 => {
                let (start, count) = (self.expr(Kind::Number, 1), self.choose(6));
                self.each(&format!("range({start}, {count})"), Kind::Number, depth);
            }
            6 => {
                let kind = [Kind::List, Kind::Table, Kind::Text, Kind::Any][self.choose(4)];
                let rows = self.expr(kind, 2);
                let element = if kind == Kind::Table { Kind::Record } else { Kind::Any };
                self.each(&rows, element, depth);
            }
            7 => {
                let counter = self.fresh();
                let passes = self.choose(5);
                self.line(depth, &format!("let {counter} = {passes};"));
                self.line(depth, &format!("while {counter} > 0 {{"));
                self.line(depth + 1, &format!("set {counter} = {counter} - 1;"));
                self.block(depth, true);
                self.line(depth, "}");
                self.names.push((counter, Kind::Number));
            }
            8 => {
                self.line(depth, "try {");
                self.block(depth, in_loop);
                if self.choose(3) == 1 {
                    let message = self.expr(Kind::Text, 2);
                    self.line(depth + 1, &format!("error {message};"));
                }
                self.line(depth, "} catch e {");
                self.names.push(("e.message".into(), Kind::Text));
                self.names.push(("e.line".into(), Kind::Number));
                self.block(depth, in_loop);
                self.names.retain(|(name, _)| !name.starts_with("e."));
                self.line(depth, "}");
            }
            9 => {
                if let Some(list) = self.named(Kind::List) {
                    let (at, value) = (self.choose(4), self.expr(Kind::Any, 2));
                    self.line(depth, &format!("set {list}[{at}] = {value};"));
                }
            }
            10 => {
                if let Some(record) = self.named(Kind::Record).filter(|name| !name.contains('.')) {
                    let value = self.expr(Kind::Number, 2);
                    self.line(depth, &format!("set {record}.a = {value};"));
                }
            }
            11 => {
                // A closure that sets an outer variable.
                if let Some(outer) = self.named(Kind::Any).filter(|name| name.starts_with('v')) {
                    let name = self.fresh();
                    let value = self.expr(Kind::Any, 2);
                    self.line(depth, &format!("function {name}(k) {{ set {outer} = {value}; return k; }}"));
                    let argument = self.expr(Kind::Number, 1);
                    self.line(depth, &format!("exec {name}({argument});"));
                }
            }
            12 if in_loop => {
                let condition = self.expr(Kind::Boolean, 2);
                let leave = ["break", "continue"][self.choose(2)];
                self.line(depth, &format!("if {condition}: {leave};"));
            }
            13 if depth > 0 => {
                let condition = self.expr(Kind::Boolean, 2);
                let value = self.expr(Kind::Any, 2);
                self.line(depth, &format!("if {condition}: return {value};"));
            }
            _ => {
                if let Some(text) = self.named(Kind::Text).filter(|name| !name.contains('.')) {
                    let value = self.expr(Kind::Any, 1);
                    self.line(depth, &format!("set {text} = {text} & Str({value} is number);"));
                }
            }
        }
    }

    fn block(&mut self, depth: usize, in_loop: bool) {
        let scope = self.names.len();
        for _ in 0..=self.choose(3) {
            self.statement(depth + 1, in_loop);
        }
        self.names.truncate(scope);
    }

    fn each(&mut self, rows: &str, element: Kind, depth: usize) {
        let name = self.fresh();
        self.line(depth, &format!("for {name} in {rows} {{"));
        let scope = self.names.len();
        self.names.push((name, element));
        self.block(depth, true);
        self.names.truncate(scope);
        self.line(depth, "}");
    }

    fn set(&mut self, depth: usize) {
        let kind = KINDS[self.choose(KINDS.len())];
        let Some(name) = self.named(kind).filter(|name| name.starts_with('v')) else { return };
        let value = match (kind, self.choose(4)) {
            (Kind::List, 1) => format!("{name} & {}", self.expr(Kind::Any, 2)),
            (Kind::Table, 1) => format!("{name} & {}", self.expr(Kind::Record, 2)),
            (Kind::Text, 1) => format!("{name} & {}", self.expr(Kind::Text, 2)),
            (Kind::Number, 1) => format!("{name} + {}", self.expr(Kind::Any, 2)),
            _ => self.expr(kind, 3),
        };
        self.line(depth, &format!("set {name} = {value};"));
    }

    /// An expression of about this kind; deeper ones have more parts.
    pub fn expr(&mut self, kind: Kind, depth: usize) -> String {
        if let (true, Some(name)) = (depth == 0 || self.choose(3) == 1, self.named(kind)) {
            return name;
        }
        match kind {
            Kind::Number => self.number(depth),
            Kind::Text => self.text(depth),
            Kind::Boolean => self.boolean(depth),
            Kind::List => match (depth, self.choose(6)) {
                (0, _) | (_, 0) => "[1, 2.5, 'x', null]".into(),
                (_, 1) => format!("[{}, {}]", self.expr(Kind::Any, depth - 1), self.expr(Kind::Number, depth - 1)),
                (_, 2) => format!("({} & {})", self.expr(Kind::List, depth - 1), self.expr(Kind::Any, depth - 1)),
                (_, 3) => format!("({}).a", self.expr(Kind::Table, depth - 1)),
                (_, 4) => {
                    format!("({} where row is number and row > {})", self.expr(Kind::List, depth - 1), self.choose(4))
                }
                _ => format!("map({}, y => y)", self.expr(Kind::List, depth - 1)),
            },
            Kind::Table if depth > 0 && self.choose(2) == 1 => queries::table(self, depth - 1),
            Kind::Table => match (depth, self.choose(6)) {
                (0, _) | (_, 0) => "[{a: 3, b: 'x'}, {a: 1, b: 'y'}, {a: 2, b: 'x'}]".into(),
                (_, 1) => format!("({} where a > {})", self.expr(Kind::Table, depth - 1), self.expr(Kind::Number, 0)),
                (_, 2) => format!("({} order by a desc, b)", self.expr(Kind::Table, depth - 1)),
                (_, 3) => {
                    let change = self.expr(Kind::Number, 1);
                    format!("({} with [a: a * 2 + {change}] where a < 3)", self.expr(Kind::Table, depth - 1))
                }
                (_, 4) => format!("(select b, a: sum(a) from ({}) group by b)", self.expr(Kind::Table, depth - 1)),
                _ => format!("[{}, {{a: {}, b: 'z'}}]", self.expr(Kind::Record, depth - 1), self.expr(Kind::Number, 1)),
            },
            Kind::Record => match self.choose(3) {
                0 => "{a: 1, b: 'r'}".into(),
                1 => format!("{{a: {}, b: 's'}}", self.expr(Kind::Number, depth.saturating_sub(1))),
                _ => format!("({{a: 5, b: 't'}} with [a: a + {}])", self.choose(5)),
            },
            Kind::Function => {
                let outer = self.expr(Kind::Number, 1);
                format!("y => y * 2 + {outer}")
            }
            Kind::Any => {
                let kind = [Kind::Number, Kind::Text, Kind::Boolean, Kind::List][self.choose(4)];
                match self.choose(3) {
                    0 => "null".into(),
                    1 if depth > 0 => {
                        let condition = self.expr(Kind::Boolean, depth - 1);
                        let (a, b) = (self.expr(kind, depth - 1), self.expr(Kind::Any, depth - 1));
                        format!("case when {condition} then {a} else {b} end")
                    }
                    _ => self.expr(kind, depth.saturating_sub(1)),
                }
            }
        }
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 {
            let literals = ["0", "1", "2", "7", "-3", "0.5", "12.25", "100000", "79228162514264337593543950335"];
            return literals[self.choose(literals.len())].into();
        }
        let deeper = depth - 1;
        match self.choose(13) {
            0 => self.number(0),
            11 => queries::number(self, deeper),
            1..=4 => {
                let op = ["+", "-", "*", "/", "mod"][self.choose(5)];
                let (a, b) = (self.expr(Kind::Number, deeper), self.expr(Kind::Number, deeper));
                format!("({a} {op} {b})")
            }
            5 => format!("-({})", self.expr(Kind::Number, deeper)),
            6 => {
                let condition = self.expr(Kind::Boolean, deeper);
                let (a, b) = (self.expr(Kind::Number, deeper), self.expr(Kind::Number, deeper));
                format!("case when {condition} then {a} else {b} end")
            }
            7 if self.functions > 0 => {
                let function = self.choose(self.functions);
                let (n, x) = (self.choose(5), self.expr(Kind::Any, deeper));
                format!("f{function}({n}, {x})")
            }
            8 => match self.named(Kind::Function) {
                Some(name) => format!("{name}({})", self.expr(Kind::Number, deeper)),
                None => self.number(0),
            },
            9 => format!("Count({})", self.expr(Kind::List, deeper)),
            10 => format!("Sum({}, a)", self.expr(Kind::Table, deeper)),
            _ => match self.named(Kind::Record) {
                Some(record) => format!("{record}.a"),
                None => format!("({} ?? 4)", self.expr(Kind::Any, deeper)),
            },
        }
    }

    fn text(&mut self, depth: usize) -> String {
        let deeper = depth.saturating_sub(1);
        match (depth, self.choose(5)) {
            (0, _) | (_, 0) => ["'a'", "''", "'12'", "'å😀'"][self.choose(4)].into(),
            (_, 1) => format!("({} & {})", self.expr(Kind::Text, deeper), self.expr(Kind::Number, deeper)),
            (_, 2) => format!("`<{{{}}}>`", self.expr(Kind::Number, deeper)),
            (_, 3) => format!("Upper({})", self.expr(Kind::Text, deeper)),
            _ => format!("({} & {})", self.expr(Kind::Boolean, deeper), self.expr(Kind::Text, deeper)),
        }
    }

    fn boolean(&mut self, depth: usize) -> String {
        if depth == 0 {
            return ["true", "false"][self.choose(2)].into();
        }
        let deeper = depth - 1;
        match self.choose(9) {
            0 => self.boolean(0),
            1..=3 => {
                let op = ["=", "!=", "<", ">", "<=", ">="][self.choose(6)];
                let kind = [Kind::Number, Kind::Any, Kind::Text][self.choose(3)];
                let (a, b) = (self.expr(Kind::Number, deeper), self.expr(kind, deeper));
                format!("({a} {op} {b})")
            }
            4 => {
                let op = ["and", "or"][self.choose(2)];
                format!("({} {op} {})", self.expr(Kind::Boolean, deeper), self.expr(Kind::Boolean, deeper))
            }
            5 => format!("(not {})", self.expr(Kind::Boolean, deeper)),
            6 => format!("({} in (1, '12', {}))", self.expr(Kind::Any, deeper), self.expr(Kind::Any, deeper)),
            7 => format!("({} is number)", self.expr(Kind::Any, deeper)),
            _ => format!("({} = {})", self.expr(Kind::Any, deeper), self.expr(Kind::Any, deeper)),
        }
    }
}
