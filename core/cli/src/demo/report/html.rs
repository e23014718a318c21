//! Text and numbers as HTML.

use sidetone_phone::UnixTime;
use std::time::Duration;

/// Text that can be nothing but text, in an element or in a quoted attribute.
pub(super) fn text(raw: &str) -> String {
    let mut escaped = String::with_capacity(raw.len());
    for letter in raw.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(letter),
            '\r' => {}
            letter if letter.is_control() => escaped.push('\u{fffd}'),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Milliseconds, few of them with a decimal, and a thin space in thousands.
pub(super) fn milliseconds(time: Duration) -> String {
    if time < Duration::from_micros(9_950) {
        return format!("{:.1}", time.as_secs_f64() * 1000.0);
    }
    let number = (time.as_secs_f64() * 1000.0).round() as u64;
    match number / 1000 {
        0 => number.to_string(),
        thousands => format!("{thousands}\u{202f}{:03}", number % 1000),
    }
}

/// Day and time, UTC.
pub(super) fn date(at: UnixTime) -> String {
    let seconds = at.0.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", second / 3600, second / 60 % 60)
}

/// The date of a day since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let index = (5 * of_year + 2) / 153;
    let (day, month) =
        (of_year - (153 * index + 2) / 5 + 1, if index < 10 { index + 3 } else { index - 9 });
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_right_around_leap_days() {
        let at = |seconds| date(UnixTime(Duration::from_secs(seconds)));
        assert_eq!(at(0), "1970-01-01 00:00 UTC");
        assert_eq!(at(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(at(1_709_251_199), "2024-02-29 23:59 UTC");
        assert_eq!(at(4_107_542_400), "2100-03-01 00:00 UTC");
    }

    #[test]
    fn few_milliseconds_have_a_decimal_and_thousands_are_set_apart() {
        assert_eq!(milliseconds(Duration::from_micros(7_340)), "7.3");
        assert_eq!(milliseconds(Duration::from_millis(70)), "70");
        assert_eq!(milliseconds(Duration::from_millis(12_034)), "12\u{202f}034");
    }
}
