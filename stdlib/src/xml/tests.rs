use super::*;
use crate::testing::{questions, shown};
use flowscript_lang::budget::Unlimited;
use flowscript_lang::value::Record;
use flowscript_lang::value::{ColumnType, RowType, Shape, SimpleKind, Table};
use proptest::prelude::*;
use std::sync::Arc;

fn decoded(text: &str) -> String {
    shown("XML.Decode", vec![text.into()])
}

fn selected(text: &str, path: &str) -> String {
    shown("XML.Select", vec![text.into(), path.into()])
}

#[test]
fn elements_become_values() {
    for (text, wanted) in [
        ("<a/>", "{a: ''}"),
        ("<a> x </a>", "{a: ' x '}"),
        ("<a>\n</a>", "{a: '\\n'}"),
        ("<a b='1'/>", "{a: {\"@b\": '1'}}"),
        ("<a b='1'>x</a>", "{a: {\"@b\": '1', \"#text\": 'x'}}"),
        ("<a>\n <b>1</b>\n <c/>\n</a>", "{a: {b: '1', c: ''}}"),
        ("<a>x<b>1</b>y</a>", "{a: {b: '1', \"#text\": 'xy'}}"),
        ("<a><b>1</b><c>2</c><b>3</b></a>", "{a: {b: ['1', '3'], c: '2'}}"),
        ("<a><b x='1'/><b x='2'/></a>", "{a: {b: [{\"@x\": '1'}, {\"@x\": '2'}]}}"),
        ("<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x1F600;</a>", "{a: '<&>\"\\'A😀'}"),
        ("<a b='&lt;&#10;\n&amp;'/>", "{a: {\"@b\": '<\\n &'}}"),
        ("<a><![CDATA[<b>&amp;</b>]]>!</a>", "{a: '<b>&amp;</b>!'}"),
        ("<?xml version='1.0' encoding='utf-8'?>\n<!-- c --><a>x<!-- c -->y<?p?></a>\n", "{a: 'xy'}"),
        ("<s:a xmlns:s='u'><s:b>1</s:b></s:a>", "{\"s:a\": {\"@xmlns:s\": 'u', \"s:b\": '1'}}"),
        ("<!DOCTYPE html><a/>", "{a: ''}"),
        ("\u{feff}<å>é</å>", "{å: 'é'}"),
    ] {
        assert_eq!(decoded(text), wanted, "{text}");
    }
}

#[test]
fn errors_say_where() {
    for (text, part) in [
        ("", "line 1, column 1: there is no element."),
        ("x", "line 1, column 1: there is text outside the root element: 'x'."),
        ("<a/>\n<b/>", "line 2, column 1: there is more than one root element."),
        ("<a/>\n x", "line 2, column 2: there is text outside the root element: 'x'."),
        ("<a/>&#32;", "line 1, column 5: there is text outside the root element: &#32;."),
        ("<a/><![CDATA[ ]]>", "line 1, column 5: there is text outside the root element"),
        ("<a/>\u{a0}", "line 1, column 5: there is text outside"),
        ("<a>\n<b>\n</a>", "line 3, column 1: "),
        ("</a>", "line 1, column 1: "),
        ("<a></a></a>", "line 1, column 8: "),
        ("<a></b>", "line 1, column 4: "),
        ("<a>", "line 1, column 4: the text ends inside an element."),
        ("<a", "line 1, column 1: "),
        ("<a b='1", "line 1, column 1: "),
        ("<1a/>", "line 1, column 1: '1a' is not a name of an element"),
        ("<a>1 < 2</a>", "line 1, column 6: '' is not a name of an element; a < in a text is written as &lt;"),
        ("<a/ >", "line 1, column 1: 'a/' is not a name"),
        ("<a b=1/>", "line 1, column 6: the attribute b has a value without quotes."),
        ("<a b/>", "line 1, column 4: the attribute b has no value."),
        ("<a b='1' b='2'/>", "line 1, column 10: the attribute b is given twice."),
        ("<a b='1'c='2'/>", "line 1, column 9: a blank is missing before the attribute c."),
        ("<a 1='1'/>", "line 1, column 4: an attribute is expected here"),
        ("<a\n b='x<y'/>", "line 2, column 6: the attribute b has a < in its value; it is written as &lt;."),
        ("<a>&x;</a>", "line 1, column 4: the entity &x; is unknown."),
        ("<a>&nbsp;</a>", "line 1, column 4: the entity &nbsp; is unknown."),
        ("<a>1 & 2</a>", "line 1, column 6: a & begins no reference"),
        ("<a>&;</a>", "line 1, column 4: a & begins no reference"),
        ("<a b='&x;'/>", "line 1, column 7: the entity &x; is unknown."),
        ("<a b='1 & 2'/>", "line 1, column 9: a & begins no reference"),
        ("<a>&#0;</a>", "line 1, column 4: &#0; is not a character that XML allows."),
        ("<a>&#xD800;</a>", "line 1, column 4: &#xD800; is not a character"),
        ("<a>&#xFFFE;</a>", "line 1, column 4: &#xFFFE; is not a character"),
        ("<a>&#x110000;</a>", "line 1, column 4: &#x110000; is not a character"),
        ("<a>&#X41;</a>", "line 1, column 4: &#X41; is not a character"),
        ("<a>&#+65;</a>", "line 1, column 4: &#+65; is not a character"),
        ("<a>&#;</a>", "line 1, column 4: &#; is not a character"),
        ("<a b='é&#1;'/>", "line 1, column 8: &#1; is not a character"),
        ("<a>\nx]]>y</a>", "line 2, column 2: ]]> is in a text; it is written as ]]&gt;."),
        ("<a>]]></a>", "line 1, column 4: ]]> is in a text"),
        ("<a>é\u{1}</a>", "line 1, column 5: XML cannot hold the character \\u{1}."),
        ("<a>\n\u{fffe}</a>", "line 2, column 1: XML cannot hold the character \\u{fffe}."),
        ("<a b='\0'/>", "line 1, column 7: XML cannot hold the character \\u{0}."),
        ("<a><!-- x -- y --></a>", "line 1, column 11: a comment has -- before its end."),
        ("<a><!-- x ---></a>", "line 1, column 11: a comment has -- before its end."),
        ("<a><?xml version='1.0'?></a>", "line 1, column 4: <?xml … ?> may occur only once"),
        (" <?xml version='1.0'?><a/>", "line 1, column 2: <?xml … ?> may occur only once"),
        ("<?XML version='1.0'?><a/>", "line 1, column 1: <?xml … ?> may occur only once"),
        ("<a/><?XmL?>", "line 1, column 5: <?xml … ?> may occur only once"),
        ("<?xml?><a/>", "line 1, column 1: the declaration is not of the form"),
        ("<?xml encoding='utf-8'?><a/>", "the declaration is not of the form"),
        ("<?xml version='2.0'?><a/>", "the declaration is not of the form"),
        ("<?xml version='1.0' standalone='maybe'?><a/>", "the declaration is not of the form"),
        ("<?xml version=1.0?><a/>", "line 1, column 15: the attribute version has a value without quotes."),
        ("<a><?1?></a>", "line 1, column 4: '1' is not a name of a processing instruction."),
        ("<a/><!DOCTYPE a>", "line 1, column 5: a DOCTYPE may occur only once, before the root element."),
        ("<!DOCTYPE a><!DOCTYPE a><a/>", "line 1, column 13: a DOCTYPE may occur only once"),
        ("<!ELEMENT a ANY><a/>", "line 1, column "),
        ("<a><!doctype a></a>", "line 1, column "),
        ("<a><![cdata[x]]></a>", "line 1, column "),
    ] {
        let message = decoded(text);
        assert!(message.starts_with("XML.Decode: ") && message.contains(part), "{text}: {message}");
    }
}

#[test]
fn well_formed_texts_are_taken() {
    for (text, wanted) in [
        ("<?xml version=\"1.1\" encoding='UTF-8' standalone='yes' ?><a/>", "{a: ''}"),
        ("<a >x</a\n>", "{a: 'x'}"),
        ("<a b = '1'\n\tc=\"2\" />", "{a: {\"@b\": '1', \"@c\": '2'}}"),
        ("<a b='>\"'/>", "{a: {\"@b\": '>\"'}}"),
        ("<a b='1\r\n2\t3\r4&#10;5&#9;6'/>", "{a: {\"@b\": '1 2 3 4\\n5\\t6'}}"),
        ("<a>1\r\n2\r3&#13;4</a>", "{a: '1\\n2\\n3\\r4'}"),
        ("<a>]]&gt; ]] ></a>", "{a: ']]> ]] >'}"),
        ("<a><![CDATA[]] ]]>]]<![CDATA[>]]></a>", "{a: ']] ]]>'}"),
        ("<a><!----><!-- - --><?x a?b ?></a>", "{a: ''}"),
        ("<x:a y:b='1'/>", "{\"x:a\": {\"@y:b\": '1'}}"),
        ("<a b='1'>\u{a0}</a>", "{a: {\"@b\": '1', \"#text\": '\u{a0}'}}"),
        ("<!DOCTYPE a PUBLIC '-//x' 'y'>\n<a/>\n<!-- end --><?p?>", "{a: ''}"),
        ("<日本 語='1'/>", "{日本: {\"@語\": '1'}}"),
    ] {
        assert_eq!(decoded(text), wanted, "{text}");
    }
}

#[test]
fn nothing_is_loaded_and_nothing_grows() {
    let outside = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
    assert!(decoded(outside).contains("a DOCTYPE with entities or other declarations is not allowed"));
    let bomb = "<!DOCTYPE a [<!ENTITY b 'xx'><!ENTITY c '&b;&b;'>]><a>&c;</a>";
    assert!(decoded(bomb).contains("DOCTYPE"));
    assert!(decoded("<!DOCTYPE a SYSTEM 'http://x.se/a.dtd'><a>&b;</a>").contains("the entity &b; is unknown"));
    assert!(decoded(&"<a>".repeat(100_000)).contains("nested more than 200 deep"));
    let deep = "<a>".repeat(200) + &"</a>".repeat(200);
    assert!(decoded(&deep).starts_with("{a: {a:"));
}

#[test]
fn many_names_take_no_more_time_than_many_elements() {
    let children: Vec<String> = (0..100_000).map(|at| format!("<c{at}/>")).collect();
    assert!(decode(&format!("<a>{}</a>", children.concat()), &mut Unlimited).is_ok());
    let attributes: Vec<String> = (0..20_000).map(|at| format!(" a{at}=''")).collect();
    assert!(decode(&format!("<a{}/>", attributes.concat()), &mut Unlimited).is_ok());
}

const ORDER: &str = "<o><l q='1'><s>A</s></l><x><l q='2'><s>B</s><s>C</s></l><l q='2'/></x><l q='3'>t</l></o>";

#[test]
fn paths_find_elements_and_attributes() {
    for (path, wanted) in [
        ("/o/l/s", "['A']"),
        ("o/l/s", "['A']"),
        ("//s", "['A', 'B', 'C']"),
        ("/o//s[1]", "['A', 'B']"),
        ("//s[2]", "['C']"),
        ("//l/@q", "['1', '2', '2', '3']"),
        ("//@q", "['1', '2', '2', '3']"),
        ("/o/*/l[@q='2']/s", "['B', 'C']"),
        ("//l[@q=\"2\"][2]", "[{\"@q\": '2'}]"),
        ("/o/l[2]/text()", "['t']"),
        ("/o/l[@q]", "[{\"@q\": '1', s: 'A'}, {\"@q\": '3', \"#text\": 't'}]"),
        ("/x", "[]"),
        ("/o/x/l[1]/s[2]", "['C']"),
        ("//x//s", "['B', 'C']"),
    ] {
        assert_eq!(selected(ORDER, path), wanted, "{path}");
    }
    assert_eq!(selected("<b>1<b>2<b>3</b></b></b>", "//b/#text"), "['1', '2', '3']");
    assert_eq!(selected("<a><b>1</b><a><b>2</b></a></a>", "//a/b"), "['1', '2']");
}

#[test]
fn bad_paths_say_why() {
    for (path, part) in [
        ("", "names no element"),
        ("/", "has a step without a name"),
        ("/a/", "has a step without a name"),
        ("/a[", "has a [ without its ]"),
        ("/a[0]", "has the condition [0]; conditions are [2], [@x] and [@x='v']"),
        ("/a[b='1']", "has the condition [b='1']"),
        ("/a[@x=1]", "has the condition [@x=1]"),
        ("/a/@x/b", "continues after an attribute"),
        ("/a b", "has something other than /"),
        ("/@x", "names no element"),
    ] {
        let message = selected("<a/>", path);
        assert!(message.contains(part), "{path}: {message}");
    }
}

#[test]
fn fills_typed_columns() {
    let column = |kind, default: Value| ColumnType { kind, nullable: false, default };
    let columns = vec![
        column(SimpleKind::Text, "none".into()),
        column(SimpleKind::Number, 7.into()),
        column(SimpleKind::Any, Value::Null),
    ];
    let shape = Shape::new(["sku", "qty", "s"].map(Into::into));
    let target = Value::table(Table::empty(shape, Some(Arc::new(RowType { columns }))));
    let filled = |text: &str, path: &str| shown("XMLFill", vec![target.clone(), text.into(), path.into()]);
    assert_eq!(
        filled("<o><l sku='A' qty='1,5'><qty u='kg'>2</qty><s>1</s><s>2</s></l><l><qty/></l></o>", "/o/l"),
        "[{sku: 'A', qty: 2, s: ['1', '2']}, {sku: 'none', qty: 7, s: null}]"
    );
    assert_eq!(
        filled("<o><l><qty>1</qty></l>\n<l><qty>x</qty></l></o>", "/o/l"),
        "XMLFill: line 2, column 16: row 1, column qty: The value 'x' of type text could not be converted to number."
    );
    assert!(
        filled("<o><l><qty>1</qty><qty>2</qty></l></o>", "//l").contains("there is more than one element: ['1', '2']")
    );
    assert!(filled("<o><l><qty><x/></qty></l></o>", "//l").contains("has no text"));
    assert_eq!(filled("<o>text</o>", "/o"), "[{sku: 'none', qty: 7, s: null}]");
}

#[test]
fn writing_is_the_inverse() {
    for text in [
        "<o/>",
        "<o id=\"7\"><l>1</l><l>2</l><n>a &amp; b</n></o>",
        "<o a=\"&lt;&quot;&#10;\">x&lt;y&gt;</o>",
        "<s:a xmlns:s=\"u\"><s:b s:c=\"1\"/><d-e.f>é</d-e.f></s:a>",
    ] {
        let record = decode(text, &mut Unlimited).expect("XML");
        let root = record.shape().names()[0].clone();
        let value = record.at(0);
        let written = match &value {
            Value::Record(record) => encode(record, &root, &mut Unlimited),
            other => encode(&Record::from_fields([("#text".into(), other.clone())]), &root, &mut Unlimited),
        };
        assert_eq!(written.as_deref(), Ok(text));
    }
}

#[test]
fn what_xml_cannot_hold_is_refused() {
    let encoded = |name: &str, value: Value| shown("XML.Encode", vec![Value::record([(name, value)]), "o".into()]);
    assert_eq!(encoded("a", Value::Null), "'<o/>'");
    assert_eq!(
        encoded("a", Value::list(vec![Value::Null, "".into(), 1.5.to_string().into()])),
        "'<o><a/><a>1.5</a></o>'"
    );
    assert!(encoded("a b", 1.into()).contains("'a b' is not a name for an XML element"));
    assert!(encoded("@1", 1.into()).contains("'1' is not a name for an XML attribute"));
    assert!(encoded("a", "\u{1}".into()).contains("the character \\u{1}"));
    assert!(encoded("@a", Value::list(vec![1.into()])).contains("has no text form"));
    assert!(encoded("a", Value::list(vec![Value::list(vec![1.into()])])).contains("holds another list"));
    assert!(shown("XML.Encode", vec![Value::record([("a", Value::from(1))]), "<".into()]).contains("not a name"));
}

proptest! {
    #[test]
    fn texts_come_back(text in "[a<>&\"'é😀 \n\t]{0,12}", attribute in "[a<>&\"'é \n\t]{0,12}") {
        let record = Record::from_fields([("@x".into(), Value::from(attribute)), ("#text".into(), Value::from(text.clone()))]);
        let written = encode(&record, "o", &mut Unlimited).expect("XML");
        let again = decode(&written, &mut Unlimited).expect("XML").at(0);
        let wanted = if text.trim().is_empty() { Record::from_fields([("@x".into(), record.at(0))]) } else { record };
        prop_assert_eq!(again.to_literal(200), Value::Record(wanted).to_literal(200), "{}", written);
    }

    #[test]
    fn never_panics(text in "[<>/ab='\"&;!\\[\\]? \n-]{0,30}", path in "[/ab@*\\[\\]='1 ]{0,10}") {
        let _ = decode(&text, &mut Unlimited);
        let _ = select(&text, &path, &mut Unlimited);
        let _ = select("<a b='1'><b/><a/></a>", &path, &mut Unlimited);
    }
}

#[test]
fn the_line_ends_of_a_long_text_are_made_in_pieces() {
    for (part, made) in [("a\r\n", "a\n"), ("\r", "\n"), ("\r\n\r", "\n\n"), ("é\n", "é\n"), ("x\r", "x\n")] {
        for times in [1, 7, 30_000] {
            for text in [format!("<r>{}</r>", part.repeat(times)), format!("<r><![CDATA[{}]]></r>", part.repeat(times))]
            {
                // Blank text is not text of a record, but it is the text of an element.
                let record = decode(&text, &mut Unlimited).expect("it is XML");
                let is_made = matches!(record.get("r"), Some(Value::Text(text)) if text == made.repeat(times));
                assert!(is_made, "{part:?} {times}");
            }
        }
    }
    let text = format!("<r>{}</r>", "a\r\n".repeat(3 << 20));
    let (read, asked) = questions(|budget| decode(&text, budget));
    // It is also checked for characters that XML cannot hold, a MiB at a time.
    assert!(read.is_ok() && asked > 20, "{asked}");
}

#[test]
fn a_path_has_a_longest_length() {
    let path = "/a".repeat(40_000);
    let message = shown("XML.Select", vec!["<a/>".into(), path.as_str().into()]);
    assert!(message.contains("longer than 65536 bytes, the limit") && message.len() < 300, "{message}");
    assert!(shown("XMLFill", vec![Value::list(vec![]), "<a/>".into(), path.into()]).starts_with("XMLFill: "));
}
