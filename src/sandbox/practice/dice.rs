//! Seeded randomness without state: the same place in the practice always rolls the same numbers.

/// Spreads the bits of a number so that neighbours look unrelated (the finalizer of `SplitMix64`).
pub(super) const fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A stream of numbers that depends only on where it started.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// Starts the stream of one place: a seed, a purpose, and an index.
    pub fn at(seed: u64, purpose: u64, index: u64) -> Self {
        Self(mix(seed ^ mix(purpose)).wrapping_add(mix(index)))
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number from 0 to `limit` - 1; 0 when `limit` is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The high half of a widening product: no division, and no bias that matters here.
        let product = u128::from(self.next()) * u128::from(limit);
        u64::try_from(product >> 64).unwrap_or(0)
    }

    /// True once in `chances` on average.
    pub fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }

    /// One element of a table that is never empty.
    pub fn pick<'t, T>(&mut self, table: &'t [T]) -> &'t T {
        let len = table.len() as u64;
        nth(table, self.below(len))
    }
}

/// Element `index` of a table, counted round and round.
pub(super) fn nth<T>(table: &[T], index: u64) -> &T {
    let place = index % table.len().max(1) as u64;
    &table[usize::try_from(place).unwrap_or(0)]
}

/// A one-to-one shuffle of the numbers below `2^(2 * half_bits)`: a four-round Feistel network.
///
/// It gives ids that look unordered and yet can be turned back into an index without a table.
pub(super) struct Shuffle {
    keys: [u64; 4],
    half_bits: u32,
}

impl Shuffle {
    /// The shuffle of one seed and purpose over numbers of `2 * half_bits` bits, `half_bits` below 64.
    pub fn new(seed: u64, purpose: u64, half_bits: u32) -> Self {
        let mut dice = Dice::at(seed, purpose, u64::from(half_bits));
        Self {
            keys: std::array::from_fn(|_| dice.next()),
            half_bits,
        }
    }

    fn mask(&self) -> u64 {
        (1 << self.half_bits) - 1
    }

    fn split(&self, number: u128) -> (u64, u64) {
        let mask = u128::from(self.mask());
        let half = |bits: u128| u64::try_from(bits & mask).unwrap_or(0);
        (half(number >> self.half_bits), half(number))
    }

    fn join(&self, high: u64, low: u64) -> u128 {
        (u128::from(high) << self.half_bits) | u128::from(low)
    }

    /// Where `number` goes.
    pub fn forward(&self, number: u128) -> u128 {
        let (mut high, mut low) = self.split(number);
        for key in self.keys {
            (high, low) = (low, high ^ (mix(low ^ key) & self.mask()));
        }
        self.join(high, low)
    }

    /// Where `number` came from.
    pub fn backward(&self, number: u128) -> u128 {
        let (mut high, mut low) = self.split(number);
        for key in self.keys.iter().rev() {
            (high, low) = (low ^ (mix(high ^ key) & self.mask()), high);
        }
        self.join(high, low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_undone_exactly_and_stays_in_range() {
        for half_bits in [12, 20, 61] {
            let shuffle = Shuffle::new(7, 3, half_bits);
            for number in (0..5_000).map(|n| n * 17) {
                let there = shuffle.forward(number);
                assert!(there >> (2 * half_bits) == 0);
                assert_eq!(shuffle.backward(there), number);
            }
        }
    }

    #[test]
    fn dice_stay_below_their_limit_and_reach_every_side() {
        let mut dice = Dice::at(1, 2, 3);
        let mut seen = [0_u32; 6];
        for _ in 0..600 {
            seen[usize::try_from(dice.below(6)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|&count| count > 50), "{seen:?}");
    }
}
