//! Who shares which key, in eight bytes a key and person.

/// People by the keys that they have; a key that more than a crowd share finds nobody.
///
/// One table, open addressing: a key and the number of each who has it stand one after another from the key's place on. Of a key 32 bits
/// are kept, so in a thousand look-ups one or so finds somebody who shares nothing; the comparison that follows tells.
pub(super) struct Sharing {
    /// 32 bits of a key, and a person's number; [`FREE`] where nobody is.
    slots: Vec<(u32, u32)>,
    taken: usize,
    crowd: usize,
}

/// The number of nobody.
const FREE: u32 = u32::MAX;
/// Slots at the beginning.
const FEWEST: usize = 64;

impl Sharing {
    /// Nobody yet; a key that more than `crowd` share finds nobody.
    pub(super) fn new(crowd: u32) -> Self {
        Self {
            slots: vec![(0, FREE); FEWEST],
            taken: 0,
            crowd: crowd as usize,
        }
    }

    /// The person `number` has this key.
    pub(super) fn add(&mut self, key: u64, number: u32) {
        if self.taken >= self.slots.len() / 5 * 4 {
            self.grow();
        }
        let tag = tag(key);
        if self.having(tag).count() <= self.crowd {
            self.put(tag, number);
        }
    }

    /// Names those who have this key, unless they are a crowd.
    pub(super) fn find(&self, key: u64, found: impl FnMut(u32)) {
        let tag = tag(key);
        if self.having(tag).count() <= self.crowd {
            self.having(tag).for_each(found);
        }
    }

    fn having(&self, tag: u32) -> impl Iterator<Item = u32> {
        let at = place(tag, self.slots.len());
        let (before, after) = self.slots.split_at(at);
        let run = after.iter().chain(before).take_while(|slot| slot.1 != FREE);
        run.filter(move |slot| slot.0 == tag).map(|slot| slot.1)
    }

    fn put(&mut self, tag: u32, number: u32) {
        let mut at = place(tag, self.slots.len());
        while self.slots[at].1 != FREE {
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
        self.slots[at] = (tag, number);
        self.taken += 1;
    }

    fn grow(&mut self) {
        // By less than double: while it grows, both are in memory.
        let len = self.slots.len() / 2 * 3;
        let slots = std::mem::replace(&mut self.slots, vec![(0, FREE); len]);
        self.taken = 0;
        for (tag, number) in slots.into_iter().filter(|slot| slot.1 != FREE) {
            self.put(tag, number);
        }
    }
}

fn tag(key: u64) -> u32 {
    // The keys are hashes: any half of one is as good as the other.
    u32::try_from(key >> 32).unwrap_or_default()
}

fn place(tag: u32, slots: usize) -> usize {
    usize::try_from((u64::from(tag) * slots as u64) >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn everybody_with_a_key_is_found_but_no_crowd() {
        let mut sharing = Sharing::new(3);
        let mut expected: HashMap<u64, Vec<u32>> = HashMap::new();
        for number in 0..20_000 {
            // 9,973 keys, most of them shared by two; and three that very many share.
            for key in [u64::from(number % 9_973), 20_000 + u64::from(number % 3)] {
                let key = key.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                sharing.add(key, number);
                expected.entry(key).or_default().push(number);
            }
        }
        for (key, numbers) in expected {
            let mut found = Vec::new();
            sharing.find(key, |number| found.push(number));
            found.sort_unstable();
            assert_eq!(found, if numbers.len() > 3 { vec![] } else { numbers });
        }
    }
}
