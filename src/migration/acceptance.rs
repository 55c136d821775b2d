//! Acceptance sampling: how many charts must be looked at, and what it says when nothing is wrong with any of them.

use serde::{Deserialize, Serialize};

/// What looking at a sample finds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// All charts.
    pub charts: u64,
    /// Charts drawn by lot.
    pub drawn: u64,
    /// The fault that is to be found touches one chart in so many.
    pub one_in: u64,
    /// Times of a hundred in which at least one of the drawn charts shows it, rounded down.
    pub confidence: u8,
}

impl Acceptance {
    /// The fault that a sample must find: one that touches a chart in seven.
    pub const ONE_IN: u64 = 7;
    /// How surely, in times of a hundred.
    pub const CONFIDENCE: u8 = 95;

    /// The smallest sample of so many charts that finds such a fault so surely. Charts are drawn without putting any back, so that of
    /// few charts fewer are needed (hypergeometric); of none, none.
    pub fn of(charts: u64) -> Self {
        let faulty = (charts / Self::ONE_IN).max(1);
        let mut drawn = 0;
        let mut missed = 1.0;
        while drawn < charts && missed > 1.0 - f64::from(Self::CONFIDENCE) / 100.0 {
            missed *= share(charts.saturating_sub(faulty + drawn), charts - drawn);
            drawn += 1;
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 0 and 100.
        let confidence = ((1.0 - missed) * 100.0) as u8;
        Self {
            charts,
            drawn,
            one_in: Self::ONE_IN,
            confidence,
        }
    }

    /// What it says, in a sentence without its end.
    pub fn words(&self) -> String {
        if self.drawn == self.charts {
            return format!("all {} charts: nothing is left to chance", self.charts);
        }
        format!(
            "{} charts by lot find a fault that touches 1 chart in {}, {} times of 100",
            self.drawn, self.one_in, self.confidence
        )
    }
}

#[allow(clippy::cast_precision_loss)] // Practices have fewer charts than a float has whole numbers.
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn twenty_charts_are_enough_of_any_number_and_fewer_of_few() {
        let drawn = |charts| Acceptance::of(charts).drawn;
        assert_eq!([drawn(0), drawn(1), drawn(6)], [0, 1, 6]);
        assert_eq!([drawn(21), drawn(60), drawn(1_000), drawn(1_000_000)], [13, 18, 20, 20]);
        assert_eq!(
            Acceptance::of(100_000).words(),
            "20 charts by lot find a fault that touches 1 chart in 7, 95 times of 100"
        );
        assert_eq!(Acceptance::of(3).words(), "all 3 charts: nothing is left to chance");
    }

    proptest! {
        #[test]
        fn a_sample_is_never_larger_than_it_must_be_and_never_too_sure(charts in 1_u64..3_000) {
            let plan = Acceptance::of(charts);
            prop_assert!(plan.drawn >= 1 && plan.drawn <= charts);
            prop_assert!(plan.confidence >= Acceptance::CONFIDENCE);
            // By counting: the chance that no faulty chart is among the drawn ones, for one chart fewer.
            let faulty = (charts / 7).max(1);
            let missed = |drawn: u64| {
                (0..drawn).map(|at| share((charts - faulty).saturating_sub(at), charts - at)).product::<f64>()
            };
            prop_assert!(missed(plan.drawn) <= 0.05 + 1e-9);
            prop_assert!(missed(plan.drawn - 1) > 0.05 - 1e-9);
        }
    }
}
