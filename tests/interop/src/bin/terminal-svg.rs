//! Draws a terminal's screen, as `tmux capture-pane -e -p` prints it, as an SVG picture.
//!
//! Reads standard input, writes standard output. Understands the colours and attributes of SGR
//! (ECMA-48 §8.3.117) that a text interface uses: the 16 colours, 256 colours, bold, dim, reverse.

#![allow(clippy::print_stdout, reason = "a filter writes to standard output")]

use std::fmt::Write as _;
use std::io::Read as _;

/// One character of the font below at its size: box lines meet at just this height.
const CELL: (f32, f32) = (8.43, 16.4);
const MARGIN: f32 = 14.0;
const BACKGROUND: &str = "#16181d";
const FOREGROUND: &str = "#d7dae0";
/// The 16 colours, calm enough for a page.
const COLOURS: [&str; 16] = [
    "#3b4048", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
    "#6b7280", "#f08791", "#a9d38a", "#f0cf8c", "#7cc0ff", "#d794ea", "#6cc7d2", "#ffffff",
];

#[derive(Debug, Clone, Default, PartialEq)]
struct Style {
    foreground: Option<String>,
    background: Option<String>,
    bold: bool,
    dim: bool,
    reverse: bool,
}

fn main() -> std::io::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    print!("{}", draw(&text));
    Ok(())
}

fn draw(text: &str) -> String {
    let rows: Vec<Vec<(char, Style)>> = read(text);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = columns as f32 * CELL.0 + 2.0 * MARGIN;
    let height = rows.len() as f32 * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" \
         font-family=\"ui-monospace,'SF Mono','DejaVu Sans Mono',Menlo,Consolas,monospace\" \
         font-size=\"14\" role=\"img\">\n<title>Sidetone in a terminal</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{BACKGROUND}\"/>\n"
    );
    for (number, row) in rows.iter().enumerate() {
        let y = MARGIN + number as f32 * CELL.1;
        for (start, cells) in runs(row) {
            draw_run(&mut svg, MARGIN + start as f32 * CELL.0, y, cells);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// Neighbours of one style, with the column where they begin.
fn runs(row: &[(char, Style)]) -> Vec<(usize, &[(char, Style)])> {
    let mut column = 0;
    row.chunk_by(|left, right| left.1 == right.1)
        .map(|cells| {
            column += cells.len();
            (column - cells.len(), cells)
        })
        .collect()
}

fn draw_run(svg: &mut String, x: f32, y: f32, cells: &[(char, Style)]) {
    let Some((_, style)) = cells.first() else { return };
    let (mut front, mut back) = (style.foreground.as_deref(), style.background.as_deref());
    if style.reverse {
        (front, back) = (back.or(Some(BACKGROUND)), front.or(Some(FOREGROUND)));
    }
    let width = cells.len() as f32 * CELL.0;
    if let Some(back) = back {
        let height = CELL.1;
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height}\" fill=\"{back}\"/>"
        );
    }
    let text: String = cells.iter().map(|(character, _)| *character).collect();
    if text.trim().is_empty() {
        return;
    }
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let front = front.unwrap_or(FOREGROUND);
    let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
    let opacity = if style.dim { " opacity=\"0.6\"" } else { "" };
    let baseline = y + CELL.1 * 0.75;
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{baseline:.1}\" textLength=\"{width:.1}\" fill=\"{front}\"{weight}\
         {opacity} xml:space=\"preserve\">{escaped}</text>"
    );
}

fn read(text: &str) -> Vec<Vec<(char, Style)>> {
    let mut style = Style::default();
    text.lines()
        .map(|line| {
            let (mut row, mut rest) = (Vec::new(), line.chars().peekable());
            while let Some(character) = rest.next() {
                if character != '\u{1b}' {
                    row.push((character, style.clone()));
                    continue;
                }
                let sequence: String = rest.by_ref().skip(1).take_while(|c| *c != 'm').collect();
                apply(&mut style, &sequence);
            }
            row
        })
        .collect()
}

fn apply(style: &mut Style, sequence: &str) {
    let mut codes = sequence.split(';').map(|code| code.parse::<usize>().unwrap_or(0));
    while let Some(code) = codes.next() {
        match code {
            0 => *style = Style::default(),
            1 => style.bold = true,
            2 => style.dim = true,
            7 => style.reverse = true,
            22 => (style.bold, style.dim) = (false, false),
            27 => style.reverse = false,
            30..=37 => style.foreground = Some(COLOURS[code - 30].to_owned()),
            90..=97 => style.foreground = Some(COLOURS[code - 82].to_owned()),
            40..=47 => style.background = Some(COLOURS[code - 40].to_owned()),
            100..=107 => style.background = Some(COLOURS[code - 92].to_owned()),
            38 => style.foreground = extended(&mut codes),
            48 => style.background = extended(&mut codes),
            39 => style.foreground = None,
            49 => style.background = None,
            _ => {}
        }
    }
}

/// `5;n` of 256 colours or `2;r;g;b`.
fn extended(codes: &mut impl Iterator<Item = usize>) -> Option<String> {
    match codes.next()? {
        5 => {
            let code = codes.next()?;
            Some(match code {
                0..=15 => COLOURS[code].to_owned(),
                16..=231 => {
                    let level = |n: usize| if n == 0 { 0 } else { 55 + 40 * n };
                    let index = code - 16;
                    rgb(level(index / 36), level(index / 6 % 6), level(index % 6))
                }
                _ => rgb(8 + 10 * (code - 232), 8 + 10 * (code - 232), 8 + 10 * (code - 232)),
            })
        }
        2 => Some(rgb(codes.next()?, codes.next()?, codes.next()?)),
        _ => None,
    }
}

fn rgb(red: usize, green: usize, blue: usize) -> String {
    format!("#{:02x}{:02x}{:02x}", red.min(255), green.min(255), blue.min(255))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_attributes_become_runs() {
        let svg = draw("\u{1b}[1;32mgreen\u{1b}[0m <plain>\n\u{1b}[7mback\u{1b}[27m");
        assert!(svg.contains("fill=\"#98c379\" font-weight=\"bold\""), "{svg}");
        assert!(svg.contains("&lt;plain&gt;"), "{svg}");
        assert!(svg.contains(&format!("fill=\"{FOREGROUND}\"/>")), "{svg}");
    }
}
