//! Secrets in the forms in which a log may have them.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// Finds the text, as it is or encoded in hexadecimal digits, base64, a list of bytes, or percent signs. Returns
/// what stands around it.
pub fn find_encoded(output: &str, text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list: Vec<_> = bytes.iter().map(u8::to_string).collect();
    let percent: String = bytes
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(*byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let mut forms = vec![text.to_owned(), hex.to_uppercase(), hex, list.join(", "), percent];
    // In base64 a text has three forms, by what stands before it; the ends depend on what is around it.
    for before in 0..3 {
        let encoded = STANDARD_NO_PAD.encode([&vec![b'x'; before][..], bytes].concat());
        let own = encoded.get([0, 2, 3][before]..encoded.len() - 2).unwrap();
        forms.push(own.to_owned());
    }
    let at = forms.iter().find_map(|form| output.find(form.as_str()))?;
    let lines = output[..at].rfind('\n').map_or(0, |start| start + 1);
    Some(output[lines..].chars().take(600).collect())
}

/// Reads the lines of a private key in PEM, and its bytes.
pub fn read_key_text(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<_> =
        text.lines().filter(|line| !line.starts_with('-')).map(str::to_owned).collect();
    assert!(STANDARD.decode(lines.concat()).is_ok() && !lines.is_empty(), "{text}");
    lines
}
