//! Which items of two lists stand for one another.

use serde_json::Value;

/// Pairs the items of two lists by their places: first those that are the same, then those known by the same thing, then those at the same
/// distance from the start. What has no counterpart stands alone.
pub(super) fn pairs(
    left: &[Value],
    right: &[Value],
    same: impl Fn(&Value, &Value) -> bool,
) -> Vec<(Option<usize>, Option<usize>)> {
    let mut partner: Vec<Option<usize>> = vec![None; left.len()];
    let mut taken = vec![false; right.len()];
    let mut join = |partner: &mut Vec<Option<usize>>, alike: &dyn Fn(usize, usize) -> bool| {
        for (at, slot) in partner.iter_mut().enumerate().filter(|(_, slot)| slot.is_none()) {
            // The same place before any other, so that equal items do not cross.
            let places = std::iter::once(at).chain(0..right.len());
            let found = places
                .filter(|&to| to < right.len())
                .find(|&to| !taken[to] && alike(at, to));
            if let Some(to) = found {
                taken[to] = true;
                *slot = Some(to);
            }
        }
    };
    join(&mut partner, &|at, to| same(&left[at], &right[to]));
    for key in [strong_key, weak_key] {
        join(&mut partner, &|at, to| {
            key(&left[at]).is_some_and(|own| key(&right[to]) == Some(own))
        });
    }
    // Of the rest only the place tells which stands for which; two extensions of different addresses are two.
    join(&mut partner, &|at, to| {
        let (own, other) = (&left[at], &right[to]);
        own.is_object() == other.is_object()
            && !(is_extension(own) && is_extension(other))
            && (at == to || strong_key(own).is_none())
    });
    let alone = (0..right.len()).filter(|&to| !taken[to]).map(|to| (None, Some(to)));
    let paired = partner.iter().enumerate().map(|(at, to)| (Some(at), *to));
    paired.chain(alone).collect()
}

/// What an item is known by: the address of an extension, system and value of an identifier, the code, the reference, the link id.
fn strong_key(item: &Value) -> Option<String> {
    let text = |name: &str| item[name].as_str();
    let coding = &item["coding"][0];
    let coded = |coding: &Value| coding["code"].as_str().map(str::to_owned);
    text("url")
        .or_else(|| text("reference"))
        .or_else(|| text("linkId"))
        .map(str::to_owned)
        .or_else(|| Some(format!("{}|{}", text("system").unwrap_or_default(), text("value")?)))
        .or_else(|| coded(item))
        .or_else(|| coded(coding))
        .or_else(|| coded(&item["code"]["coding"][0]))
}

/// What it is called or used for.
fn weak_key(item: &Value) -> Option<String> {
    let text = |name: &str| item[name].as_str().map(|text| format!("{name} {text}"));
    text("display")
        .or_else(|| text("text"))
        .or_else(|| item["code"]["text"].as_str().map(str::to_owned))
        .or_else(|| text("use"))
        .or_else(|| text("title"))
}

fn is_extension(item: &Value) -> bool {
    item["url"].is_string() && item["contentType"].is_null()
}
