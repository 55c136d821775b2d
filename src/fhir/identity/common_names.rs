//! Names that many people have: agreeing in one of them says less.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Family names in the United States, roughly by how many have them.
const FAMILY: &str = "smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson \
    thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker young allen king \
    wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter roberts gomez phillips evans \
    turner diaz parker cruz edwards collins reyes stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper peterson \
    bailey reed kelly howard ramos kim cox ward richardson watson brooks chavez wood james bennett gray mendoza ruiz hughes price \
    alvarez castillo sanders patel myers long ross foster jimenez powell jenkins perry russell sullivan bell coleman butler henderson \
    barnes gonzales fisher vasquez simmons romero jordan patterson alexander hamilton graham reynolds griffin wallace moreno west \
    cole hayes bryant herrera gibson ellis tran medina aguilar stevens murray ford castro marshall owens harrison fernandez wang chen \
    singh li zhang khan";
/// Given names, roughly by how many have them.
const GIVEN: &str = "james michael robert john david mary william richard patricia jennifer joseph thomas elizabeth linda barbara \
    christopher charles daniel matthew susan jessica anthony mark sarah karen lisa nancy steven betty sandra donald margaret ashley \
    kimberly andrew paul joshua emily donna kenneth michelle kevin brian carol amanda melissa deborah stephanie timothy rebecca \
    ronald jason edward laura george sharon jeffrey cynthia ryan dorothy jacob kathleen amy nicholas gary eric shirley jonathan \
    angela stephen larry justin anna brenda scott pamela brandon nicole emma samantha benjamin samuel katherine gregory alexander \
    christine helen debra patrick frank rachel raymond carolyn jack janet maria jose luis carlos juan ana rosa olivia sophia \
    isabella noah liam mason ethan jesus miguel heather diane julie joyce victoria ruth virginia lauren kelly christina joan evelyn \
    judith andrea hannah megan jerry dennis tyler aaron adam nathan henry zachary douglas peter kyle walter";

/// What it is worth that two family names are the same, in tenths of a bit.
pub(super) fn family_weight(latin: &str) -> i32 {
    static RANKS: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| ranks(FAMILY));
    match RANKS.get(latin) {
        Some(0..2) => 70,
        Some(2..12) => 78,
        Some(12..60) => 86,
        Some(_) => 95,
        None => 120,
    }
}

/// What it is worth that two given names are the same, in tenths of a bit.
pub(super) fn given_weight(latin: &str) -> i32 {
    static RANKS: LazyLock<HashMap<&str, usize>> = LazyLock::new(|| ranks(GIVEN));
    match RANKS.get(latin) {
        Some(0..12) => 58,
        Some(12..70) => 68,
        Some(_) => 75,
        None => 90,
    }
}

fn ranks(names: &'static str) -> HashMap<&'static str, usize> {
    names
        .split_whitespace()
        .enumerate()
        .map(|(rank, name)| (name, rank))
        .collect()
}
