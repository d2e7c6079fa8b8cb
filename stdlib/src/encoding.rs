//! Bytes and texts: character encodings, Base64, hexadecimal digits.

use crate::arguments::{Out, bytes};
use crate::letters::pieces;
use crate::row::{Row, fails, gives, row};
use crate::show::quoted;
use crate::suggest::nearest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{CoderResult, Encoder, EncoderResult, Encoding, UTF_16BE, UTF_16LE};
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::RunError;
use flowscript_lang::function::{Call, NativeResult, Role};
use flowscript_lang::value::Value;

/// Labels to suggest; there are many more.
const LABELS: &[&str] = &[
    "utf-8",
    "utf-16le",
    "utf-16be",
    "windows-1252",
    "iso-8859-1",
    "iso-8859-15",
    "windows-1250",
    "windows-1251",
    "macintosh",
    "koi8-r",
    "gbk",
    "gb18030",
    "big5",
    "shift_jis",
    "euc-jp",
    "iso-2022-jp",
    "euc-kr",
    "us-ascii",
];

pub(crate) const TEXT_ROWS: &[Row] = &[
    row("DecodeText(binary: binary, encoding: text = 'utf-8') -> text?", "The text in bytes.", decode_text)
        .role(Role::WritesBinary)
        .pays_itself()
        .rules("Encodings have the labels of the WHATWG list, such as `utf-8`, `windows-1252`, `iso-8859-1`, `utf-16le`. Bytes that are not text become U+FFFD; a byte order mark is left out.")
        .examples(&[gives("DecodeText(Base64Decode('w6k='))", "'é'"), gives("DecodeText(Base64Decode('6Q=='), 'windows-1252')", "'é'"), fails("DecodeText(Base64Decode('6Q=='), 'latin-9000')", "latin-9000")]),
    row("EncodeText(text: text, encoding: text = 'utf-8') -> binary", "The bytes of a text.", encode_text)
        .pays_itself()
        .rules("A character that the encoding lacks is an error.")
        .examples(&[gives("Hex.Encode(EncodeText('é', 'utf-16le'))", "'e900'"), fails("EncodeText('€', 'iso-8859-2')", "'€'")]),
];

pub(crate) const ROWS: &[Row] = &[
    row("Base64Encode(x: any) -> text", "Bytes, or those of a text in UTF-8, as Base64.", base64_encode)
        .role(Role::WritesBinary)
        .pays_itself()
        .examples(&[gives("Base64Encode('é')", "'w6k='")]),
    row("Base64Decode(text: text) -> binary", "The bytes of a Base64 text.", base64_decode)
        .pays_itself()
        .rules("White space is ignored; anything else that is not Base64 is an error.")
        .examples(&[gives("Len(Base64Decode('w6 k='))", "2"), fails("Base64Decode('***')", "Base64")]),
    row("Base64DecodeText(text: text, encoding: text = 'utf-8') -> text", "The text of a Base64 text.", base64_decode_text)
        .pays_itself()
        .rules("White space is ignored; anything else that is not Base64 is an error. The bytes are decoded as by `DecodeText`.")
        .examples(&[gives("Base64DecodeText('w6k=')", "'é'"), fails("Base64DecodeText('***')", "Base64")]),
    row("Hex.Encode(x: any) -> text", "Bytes, or those of a text in UTF-8, as lower-case hexadecimal digits.", hex_encode)
        .pays_itself()
        .examples(&[gives("Hex.Encode('é')", "'c3a9'")]),
    row("Hex.Decode(text: text) -> binary", "The bytes of hexadecimal digits.", hex_decode)
        .pays_itself()
        .rules("Digits in either case; an odd number of them, or any other character, is an error.")
        .examples(&[gives("DecodeText(Hex.Decode('C3a9'))", "'é'"), fails("Hex.Decode('c3a')", "hexadecimal")]),
];

/// Bytes that are processed before they are paid for; groups of three, four and two bytes stay whole.
const PIECE: usize = 48 << 10;

/// The cost of a byte, in bytes looked at.
const CODING: usize = 8;

fn decode_text(call: &mut Call<'_>) -> NativeResult {
    let encoding = encoding(call, 1)?;
    let Value::Binary(bytes) = call.take(0) else { return Ok(Value::Null) };
    decoded(call, &bytes, encoding)
}

fn decoded(call: &mut Call<'_>, bytes: &[u8], encoding: &'static Encoding) -> NativeResult {
    let mut out = Out::new(call);
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut text = String::new();
    let count = bytes.len().div_ceil(PIECE).max(1);
    for number in 0..count {
        let piece = bytes.get(number * PIECE..bytes.len().min((number + 1) * PIECE)).unwrap_or_default();
        out.look(piece.len() * CODING)?;
        text.clear();
        // A byte becomes a character of three bytes at most; the decoder may have kept a few.
        text.reserve(decoder.max_utf8_buffer_length(piece.len()).unwrap_or(4 * PIECE));
        let (result, ..) = decoder.decode_to_string(piece, &mut text, number + 1 == count);
        debug_assert_eq!(result, CoderResult::InputEmpty, "there is room for all of it");
        out.push(&text)?;
    }
    out.finish().map(Value::Text)
}

fn encode_text(call: &mut Call<'_>) -> NativeResult {
    let encoding = encoding(call, 1)?;
    let text = call.eco_text(0);
    let mut toll = Toll::new(call.budget());
    let encoded = encode(&text, encoding, &mut toll)?;
    toll.settle()?;
    encoded.map(Value::binary).map_err(|c| {
        call.value_error(format_args!(
            "the encoding {} has no character {}.",
            encoding.name().to_lowercase(),
            quoted(c.encode_utf8(&mut [0; 4]))
        ))
    })
}

/// The bytes of a text, or the first character that has none.
fn encode(
    text: &str,
    encoding: &'static Encoding,
    toll: &mut Toll<'_>,
) -> Result<Result<Vec<u8>, char>, Box<RunError>> {
    let mut encoder = encoding.new_encoder();
    let mut out = Vec::new();
    let mut done = 0;
    for piece in pieces(text) {
        toll.scan(piece.len() * CODING)?;
        toll.take(piece.len() * 2)?;
        done += piece.len();
        // The encoders of encoding_rs write UTF-8 for these.
        if encoding == UTF_16LE {
            out.extend(piece.encode_utf16().flat_map(u16::to_le_bytes));
        } else if encoding == UTF_16BE {
            out.extend(piece.encode_utf16().flat_map(u16::to_be_bytes));
        } else if let Some(c) = encode_piece(&mut encoder, piece, done == text.len(), &mut out) {
            return Ok(Err(c));
        }
    }
    Ok(Ok(out))
}

/// Encodes a piece; returns a character that the encoding lacks.
fn encode_piece(encoder: &mut Encoder, piece: &str, is_last: bool, out: &mut Vec<u8>) -> Option<char> {
    let mut rest = piece;
    out.reserve(rest.len() + 16);
    loop {
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, out, is_last);
        rest = rest.get(read..).unwrap_or("");
        match result {
            EncoderResult::InputEmpty => return None,
            EncoderResult::OutputFull => out.reserve(rest.len() * 2 + 16),
            EncoderResult::Unmappable(c) => return Some(c),
        }
    }
}

fn encoding(call: &Call<'_>, position: usize) -> Result<&'static Encoding, Box<RunError>> {
    let label = call.text(position);
    Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
        let near = nearest(label, LABELS.iter().copied()).join(", ");
        let hint = if near.is_empty() {
            "Well known are utf-8, windows-1252, iso-8859-1, utf-16le.".into()
        } else {
            format!("Did you mean {near}?")
        };
        call.value_error(format_args!("unknown encoding {}. {hint}", quoted(label)))
    })
}

fn base64_encode(call: &mut Call<'_>) -> NativeResult {
    let bytes = bytes(call, 0)?;
    let mut out = Out::new(call);
    for piece in bytes.chunks(PIECE) {
        out.push(&STANDARD.encode(piece))?;
    }
    out.finish().map(Value::Text)
}

fn base64_decode(call: &mut Call<'_>) -> NativeResult {
    from_base64(call).map(Value::binary)
}

fn base64_decode_text(call: &mut Call<'_>) -> NativeResult {
    let encoding = encoding(call, 1)?;
    let bytes = from_base64(call)?;
    decoded(call, &bytes, encoding)
}

fn from_base64(call: &mut Call<'_>) -> Result<Vec<u8>, Box<RunError>> {
    let text = call.eco_text(0);
    let mut toll = Toll::new(call.budget());
    let (mut out, mut joined, mut padded, mut good) = (Vec::new(), Vec::new(), false, true);
    let count = text.len().div_ceil(PIECE);
    for (number, piece) in text.as_bytes().chunks(PIECE).enumerate() {
        toll.scan(piece.len() * CODING)?;
        toll.take(piece.len())?;
        joined.extend(piece.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let whole = if number + 1 == count { joined.len() } else { joined.len() / 4 * 4 };
        // Padding must be at the end.
        good = good && (whole == 0 || !padded) && STANDARD.decode_vec(&joined[..whole], &mut out).is_ok();
        padded = padded || joined[..whole].contains(&b'=');
        joined.drain(..whole);
        if !good {
            break;
        }
    }
    toll.settle()?;
    if good {
        return Ok(out);
    }
    Err(call.value_error(format_args!(
        "{} is not Base64 text: letters, digits, + and /, filled with = to groups of four.",
        call.value(0).to_literal(60)
    )))
}

fn hex_encode(call: &mut Call<'_>) -> NativeResult {
    let bytes = bytes(call, 0)?;
    let mut out = Out::new(call);
    for piece in bytes.chunks(PIECE) {
        out.push(&hex::encode(piece))?;
    }
    out.finish().map(Value::Text)
}

fn hex_decode(call: &mut Call<'_>) -> NativeResult {
    let text = call.eco_text(0);
    let mut toll = Toll::new(call.budget());
    let mut out = Vec::new();
    for piece in text.as_bytes().chunks(PIECE) {
        toll.scan(piece.len() * CODING)?;
        toll.take(piece.len())?;
        match hex::decode(piece) {
            Ok(bytes) => out.extend(bytes),
            Err(_) => return Err(call.refuse(0, "pairs of hexadecimal digits")),
        }
    }
    toll.settle()?;
    Ok(Value::binary(out))
}

#[cfg(test)]
mod tests {
    use crate::testing::{call, shown};
    use flowscript_lang::value::Value;
    use proptest::prelude::*;

    fn encoded(text: &str, encoding: &str) -> String {
        match call("EncodeText", vec![text.into(), encoding.into()]) {
            Ok(bytes) => shown("Hex.Encode", vec![bytes]),
            Err(message) => message,
        }
    }

    #[test]
    fn encodes_by_label() {
        assert_eq!(encoded("é€", "utf-8"), "'c3a9e282ac'");
        assert_eq!(encoded("é€", "windows-1252"), "'e980'");
        assert_eq!(encoded("é", "ISO-8859-1"), "'e9'");
        assert_eq!(encoded("a😀", "utf-16le"), "'61003dd800de'");
        assert_eq!(encoded("a", "utf-16be"), "'0061'");
        assert_eq!(encoded("日本", "shift_jis"), "'93fa967b'");
        assert_eq!(encoded("日", "windows-1252"), "EncodeText: the encoding windows-1252 has no character '日'.");
        assert_eq!(
            encoded("a", "windows-1253x"),
            "EncodeText: unknown encoding 'windows-1253x'. Did you mean windows-1250, windows-1251, windows-1252?"
        );
        let long = call("EncodeText", vec!["é".repeat(100_000).into(), "windows-1252".into()]).expect("bytes");
        assert_eq!(shown("Len", vec![long]), "100000");
    }

    #[test]
    fn decodes_bad_bytes_and_marks() {
        let decoded = |hex: &str, encoding: &str| {
            let bytes = call("Hex.Decode", vec![hex.into()]).expect("digits");
            shown("DecodeText", vec![bytes, encoding.into()])
        };
        assert_eq!(decoded("efbbbfc3a9", "utf-8"), "'é'");
        assert_eq!(decoded("c3", "utf-8"), "'\u{fffd}'");
        assert_eq!(decoded("fffe6100", "utf-16le"), "'a'");
        assert_eq!(decoded("e9", "latin1"), "'é'");
        assert_eq!(shown("DecodeText", vec![Value::Null]), "null");
        assert!(shown("DecodeText", vec!["x".into()]).contains("takes binary"));
    }

    #[test]
    fn base64_and_hex() {
        assert_eq!(shown("Base64Encode", vec![Value::binary(vec![0xfb, 0xff])]), "'+/8='");
        assert_eq!(shown("Base64Encode", vec![Value::Null]), "''");
        assert_eq!(shown("Base64Encode", vec![12.into()]), "'MTI='");
        assert!(shown("Base64Encode", vec![Value::empty_list()]).contains("takes text or binary"));
        assert!(
            shown("Base64DecodeText", vec!["w6k".into()]).starts_with("Base64DecodeText: 'w6k' is not Base64 text")
        );
        assert_eq!(shown("Base64DecodeText", vec![" w6\n k=\t".into()]), "'é'");
        assert!(shown("Hex.Decode", vec!["zz".into()]).starts_with("Hex.Decode: the parameter text takes pairs"));
    }

    proptest! {
        #[test]
        fn utf_16_comes_back(text in "[a-zé日😀]{0,10}", big: bool) {
            let encoding = if big { "utf-16be" } else { "utf-16le" };
            let bytes = call("EncodeText", vec![text.as_str().into(), encoding.into()]).expect("bytes");
            prop_assert_eq!(shown("DecodeText", vec![bytes, encoding.into()]), Value::from(text).to_literal(99));
        }

        #[test]
        fn base64_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let text = call("Base64Encode", vec![Value::binary(bytes.clone())]).expect("a text");
            let Ok(Value::Binary(again)) = call("Base64Decode", vec![text]) else { panic!("binary") };
            prop_assert_eq!(again.to_vec(), bytes);
        }
    }
}
