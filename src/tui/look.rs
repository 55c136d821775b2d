//! How things look: colours by meaning, and the signs of a terminal that knows only ASCII.

use ratatui::style::{Color, Modifier, Style};

/// What a piece of text means; the look decides how it is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Ordinary text.
    Plain,
    /// Less important: units, rules, what is not there yet.
    Quiet,
    /// More important: numbers, names of what is meant.
    Strong,
    /// The program's and the practice's name.
    Title,
    /// A key that can be pressed.
    Key,
    /// Done, or as it should be.
    Done,
    /// Where we are, or what is at work.
    Here,
    /// Worth knowing.
    Note,
    /// Waits for a person: the only thing that shouts.
    Waiting,
    /// Failed.
    Wrong,
    /// The row or field that is chosen.
    Chosen,
    /// The filled part of a bar.
    Bar,
}

/// Which colours read well here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Palette {
    /// Light text on a dark ground.
    #[default]
    Dark,
    /// Dark text on a light ground.
    Light,
    /// No colours at all (`NO_COLOR`): only bold, underlined and reversed text.
    Plain,
}

/// How everything is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Look {
    /// Colours.
    pub palette: Palette,
    /// Whether only ASCII can be shown.
    pub ascii: bool,
}

impl Look {
    /// The look that the environment asks for: `NO_COLOR`, `CUTOVER_LOOK` (some of `ascii`, `light`, `dark`, `plain`, with commas
    /// between), `COLORFGBG`, and the character set of `LC_ALL`, `LC_CTYPE` or `LANG`.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let asked = set("CUTOVER_LOOK").unwrap_or_default();
        let asks = |word: &str| asked.split(',').any(|part| part.trim().eq_ignore_ascii_case(word));
        let light_ground = set("COLORFGBG")
            .is_some_and(|colours| matches!(colours.rsplit(';').next().map(str::parse::<u8>), Some(Ok(7 | 9..=15))));
        let palette = if asks("plain") || set("NO_COLOR").is_some() {
            Palette::Plain
        } else if asks("light") || light_ground && !asks("dark") {
            Palette::Light
        } else {
            Palette::Dark
        };
        let charset = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(set)
            .unwrap_or_default();
        let charset = charset.to_ascii_lowercase();
        let ascii = asks("ascii") || !(charset.contains("utf-8") || charset.contains("utf8"));
        Self { palette, ascii }
    }

    /// How text of this meaning is drawn.
    pub fn style(self, role: Role) -> Style {
        let style = Style::new();
        let bold = style.add_modifier(Modifier::BOLD);
        let reversed = style.add_modifier(Modifier::REVERSED);
        let (here, note, wrong) = match self.palette {
            Palette::Dark => (Color::Cyan, Color::Yellow, Color::LightRed),
            Palette::Light => (Color::Blue, Color::Magenta, Color::Red),
            Palette::Plain => return without_colour(role),
        };
        match role {
            Role::Plain => style,
            Role::Quiet => style.fg(Color::DarkGray),
            Role::Strong | Role::Title => bold,
            Role::Key | Role::Here => bold.fg(here),
            Role::Done => style.fg(Color::Green),
            Role::Note => style.fg(note),
            Role::Waiting => bold.fg(note).add_modifier(Modifier::REVERSED),
            Role::Wrong => bold.fg(wrong),
            Role::Chosen => reversed,
            Role::Bar => style.fg(here),
        }
    }

    /// A sign of ours, or what stands for it in ASCII. Signs are one cell wide.
    pub fn sign(self, sign: Sign) -> &'static str {
        let (sign, ascii) = match sign {
            Sign::Done => ("✓", "+"),
            Sign::Here => ("●", "*"),
            Sign::Ahead => ("○", "."),
            Sign::Waiting => ("!", "!"),
            Sign::Blocked => ("×", "x"),
            Sign::Neutral => ("·", "-"),
            Sign::Rule => ("─", "-"),
            Sign::BarFull => ("█", "#"),
            Sign::BarEmpty => ("░", "."),
            Sign::Ellipsis => ("…", "~"),
            Sign::Chosen => (">", ">"),
            Sign::Masked => ("•", "*"),
            Sign::Differs => ("≠", "#"),
        };
        if self.ascii { ascii } else { sign }
    }

    /// Eight heights of a small chart, from least to most.
    pub fn heights(self) -> [&'static str; 8] {
        if self.ascii {
            ["_", ".", ".", "-", "-", "=", "=", "#"]
        } else {
            ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        }
    }
}

fn without_colour(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Plain | Role::Quiet | Role::Done | Role::Note | Role::Bar => style,
        Role::Strong | Role::Title | Role::Here => style.add_modifier(Modifier::BOLD),
        Role::Key => style.add_modifier(Modifier::UNDERLINED),
        Role::Waiting => style.add_modifier(Modifier::BOLD | Modifier::REVERSED),
        Role::Wrong => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
        Role::Chosen => style.add_modifier(Modifier::REVERSED),
    }
}

/// A sign of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Done.
    Done,
    /// Here, at work.
    Here,
    /// Still ahead.
    Ahead,
    /// Waits for a person.
    Waiting,
    /// Cannot be begun yet, or failed.
    Blocked,
    /// Neither good nor bad.
    Neutral,
    /// Part of a horizontal rule.
    Rule,
    /// A filled cell of a bar.
    BarFull,
    /// An empty cell of a bar.
    BarEmpty,
    /// Text was cut here.
    Ellipsis,
    /// Before the chosen row.
    Chosen,
    /// A character that is not shown.
    Masked,
    /// Two sides differ.
    Differs,
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    fn look(variables: &[(&str, &str)]) -> Look {
        Look::from_environment(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_environment_chooses_colours_and_characters() {
        let utf8 = ("LANG", "en_US.UTF-8");
        assert_eq!(
            look(&[utf8]),
            Look {
                palette: Palette::Dark,
                ascii: false
            }
        );
        assert_eq!(look(&[utf8, ("NO_COLOR", "1")]).palette, Palette::Plain);
        assert_eq!(look(&[utf8, ("NO_COLOR", "")]).palette, Palette::Dark);
        assert_eq!(look(&[utf8, ("COLORFGBG", "0;15")]).palette, Palette::Light);
        assert_eq!(
            look(&[utf8, ("COLORFGBG", "0;15"), ("CUTOVER_LOOK", "dark")]).palette,
            Palette::Dark
        );
        assert_eq!(
            look(&[utf8, ("CUTOVER_LOOK", "light, ascii")]),
            Look {
                palette: Palette::Light,
                ascii: true
            }
        );
        assert!(look(&[("LANG", "C")]).ascii && look(&[]).ascii);
        assert!(!look(&[("LC_ALL", "de_DE.utf8"), ("LANG", "C")]).ascii);
    }

    #[test]
    fn what_is_chosen_or_waits_is_marked_without_colour_too() {
        for palette in [Palette::Dark, Palette::Light, Palette::Plain] {
            let look = Look { palette, ascii: false };
            for role in [Role::Chosen, Role::Waiting] {
                assert!(
                    look.style(role).add_modifier.contains(Modifier::REVERSED),
                    "{palette:?} {role:?}"
                );
            }
        }
        for role in [Role::Plain, Role::Key, Role::Wrong, Role::Waiting, Role::Bar] {
            let style = Look {
                palette: Palette::Plain,
                ascii: true,
            }
            .style(role);
            assert!(style.fg.is_none() && style.bg.is_none(), "{role:?}");
        }
    }

    #[test]
    fn heights_are_one_cell_wide() {
        for ascii in [false, true] {
            for height in (Look {
                palette: Palette::Dark,
                ascii,
            })
            .heights()
            {
                assert_eq!(height.width(), 1);
            }
        }
    }
}
