//! Which fields of two records, and which items of two lists, stand for one another.

use std::collections::HashMap;

use super::field::{Field, Item, Key, Print, Record, hex};

/// A field that one record has, or both.
pub(super) struct Pair<'r, 'a> {
    pub path: String,
    pub left: Option<&'r Field<'a>>,
    pub right: Option<&'r Field<'a>>,
    pub rows: Rows,
}

/// How a field is compared.
pub(super) enum Rows {
    /// Nothing to decide.
    Same,
    /// As a whole; `order` when both lists have the same items in another order.
    Whole { order: bool },
    /// Item by item.
    Items(Vec<Row>),
}

/// An item of two lists that are not the same.
pub(super) struct Row {
    pub path: String,
    /// Its index among the items of the left list.
    pub left: Option<usize>,
    /// Its index among the items of the right list.
    pub right: Option<usize>,
    pub same: bool,
    /// The two are one thing, so that not both can stay.
    pub same_thing: bool,
}

/// An item that was put in the place of the one at this path before.
pub(super) struct Settled {
    pub path: String,
    pub print: Print,
}

/// Pairs the fields of two records, the left one's first, each in its own order.
pub(super) fn pairs<'r, 'a>(left: &'r Record<'a>, right: &'r Record<'a>, settled: &[Settled]) -> Vec<Pair<'r, 'a>> {
    let on_right = |path: &str| right.fields.iter().find(|field| field.path == path);
    let on_left = |path: &str| left.fields.iter().find(|field| field.path == path);
    let both = left.fields.iter().map(|field| (Some(field), on_right(&field.path)));
    let others = right.fields.iter().filter(|field| on_left(&field.path).is_none());
    both.chain(others.map(|field| (None, Some(field))))
        .map(|(left, right)| Pair {
            path: left.or(right).map(|field| field.path.clone()).unwrap_or_default(),
            left,
            right,
            rows: compare(left, right, settled),
        })
        .collect()
}

fn compare(left: Option<&Field<'_>>, right: Option<&Field<'_>>, settled: &[Settled]) -> Rows {
    let print = |field: Option<&Field<'_>>| field.and_then(|field| field.print);
    let path = left.or(right).map_or("", |field| &field.path);
    let (Some(a), Some(b)) = (items(left), items(right)) else {
        let same = print(left) == print(right);
        return if same { Rows::Same } else { Rows::Whole { order: false } };
    };
    if a.iter().map(|item| item.print).eq(b.iter().map(|item| item.print)) {
        return Rows::Same;
    }
    let rows = rows(path, a, b, settled);
    if rows.iter().all(|row| row.same) {
        if path == "contained" {
            return Rows::Same;
        }
        Rows::Whole { order: true }
    } else {
        Rows::Items(rows)
    }
}

/// The items of a field that is a list or says nothing.
fn items<'r, 'a>(field: Option<&'r Field<'a>>) -> Option<&'r [Item<'a>]> {
    match field {
        None => Some(&[]),
        Some(field) => match &field.items {
            Some(items) => Some(items),
            None if field.print.is_none() => Some(&[]),
            None => None,
        },
    }
}

fn rows(path: &str, left: &[Item<'_>], right: &[Item<'_>], settled: &[Settled]) -> Vec<Row> {
    let (left_open, right_open) = (distinct(left), distinct(right));
    let mut partner: HashMap<usize, (usize, bool)> = HashMap::new();
    let mut taken = vec![false; right.len()];
    // What says the same belongs together, then what stands for the same thing.
    for &at in &left_open {
        if let Some(&to) = right_open.iter().find(|&&to| right[to].print == left[at].print) {
            partner.insert(at, (to, true));
            taken[to] = true;
        }
    }
    let mut done = vec![false; left.len()];
    for settled in settled {
        let is_there = |path_of: &dyn Fn(&Item<'_>) -> String| {
            left_open
                .iter()
                .copied()
                .find(|at| !partner.contains_key(at) && !done[*at] && path_of(&left[*at]) == settled.path)
        };
        let at = is_there(&|item| short(path, item)).or_else(|| is_there(&|item| long(path, item)));
        let to = right_open
            .iter()
            .find(|&&to| !taken[to] && right[to].print == settled.print);
        if let (Some(at), Some(&to)) = (at, to) {
            done[at] = true;
            taken[to] = true;
            partner.insert(at, (to, false));
        }
    }
    for &at in &left_open {
        if !partner.contains_key(&at)
            && let Some(key) = &left[at].key
            && let Some(&to) = right_open
                .iter()
                .find(|&&to| !taken[to] && right[to].key.as_ref() == Some(key))
        {
            partner.insert(at, (to, false));
            taken[to] = true;
        }
    }
    let mut rows: Vec<(Row, &Item<'_>)> = Vec::new();
    for at in left_open {
        let pair = partner.get(&at);
        let row = Row {
            path: String::new(),
            left: Some(at),
            right: pair.map(|(to, _)| *to),
            same: pair.is_some_and(|(_, same)| *same),
            same_thing: same_thing(&left[at]),
        };
        rows.push((row, &left[at]));
    }
    for to in right_open.into_iter().filter(|&to| !taken[to]) {
        let row = Row {
            path: String::new(),
            left: None,
            right: Some(to),
            same: false,
            same_thing: same_thing(&right[to]),
        };
        rows.push((row, &right[to]));
    }
    let mut labels: HashMap<String, usize> = HashMap::new();
    for (_, item) in &rows {
        *labels.entry(short(path, item)).or_default() += 1;
    }
    rows.into_iter()
        .map(|(row, item)| {
            let short = short(path, item);
            let alone = labels[&short] == 1;
            Row {
                path: if alone { short } else { long(path, item) },
                ..row
            }
        })
        .collect()
}

fn same_thing(item: &Item<'_>) -> bool {
    item.key.as_ref().is_some_and(|key| key.same_thing)
}

/// Indices of the items without those that say the same as one before.
fn distinct(items: &[Item<'_>]) -> Vec<usize> {
    let first = |at: &usize| !items[..*at].iter().any(|before| before.print == items[*at].print);
    (0..items.len()).filter(first).collect()
}

/// The path of an item by its label alone.
fn short(path: &str, item: &Item<'_>) -> String {
    match label(item) {
        Some(label) => format!("{path}[{label}]"),
        None => long(path, item),
    }
}

/// The path of an item that only what it says tells apart from others.
fn long(path: &str, item: &Item<'_>) -> String {
    let print = hex(&item.print);
    format!("{path}[{}~{}]", label(item).unwrap_or_default(), &print[..8])
}

/// A label that can be typed and read.
fn label<'i>(item: &'i Item<'_>) -> Option<&'i str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-_|=,+%#?&".contains(&byte);
    let Key { label, .. } = item.key.as_ref()?;
    (label.len() <= 120 && label.bytes().all(plain)).then_some(label)
}
