//! Names of the synthetic population: a head of common ones and a long tail of made-up ones.

use super::dice::Dice;

const FAMILY: &str = "smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson \
    thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker young allen king \
    wright scott torres nguyen hill flores green adams nelson baker hall rivera campbell mitchell carter roberts núñez muñoz müller \
    peña o'brien o'connor d'angelo ibáñez dvořák schröder tran kowalski novak ivanov petrov haddad cohen levy singh kaur ali hussain";
const FEMALE: &str = "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty margaret sandra ashley \
    kimberly emily donna michelle carol amanda melissa deborah stephanie rebecca sharon laura cynthia kathleen amy angela maria olivia \
    sophia isabella emma ava mia abigail josé-maría inés lucía guadalupe rosa catherine christina victoria samantha judith";
const MALE: &str = "james robert john michael david william richard joseph thomas christopher charles daniel matthew anthony mark donald \
    steven andrew paul joshua kenneth kevin brian timothy ronald george jason edward jeffrey ryan jacob nicholas gary eric jonathan \
    stephen larry justin scott brandon benjamin samuel josé juan luis jesús francisco ramón andrés liam noah alexander";
/// Names and what those who have them are called.
const CALLED: &str = "elizabeth liz elizabeth beth patricia pat patricia trish jennifer jen barbara barb susan sue jessica jess \
    margaret peggy margaret maggie kimberly kim deborah debbie rebecca becky cynthia cindy kathleen kathy catherine kate christina tina \
    victoria vicky samantha sam judith judy amanda mandy james jim robert bob robert rob john jack michael mike david dave william bill \
    william will richard rick richard dick joseph joe thomas tom christopher chris charles chuck daniel dan matthew matt anthony tony \
    donald don steven steve andrew drew joshua josh kenneth ken timothy tim ronald ron edward ted jeffrey jeff nicholas nick jonathan jon \
    stephen steve lawrence larry benjamin ben samuel sam francisco pancho josé pepe alexander alex guadalupe lupe";
const SYLLABLES: [&str; 40] = [
    "ba", "ber", "bo", "cal", "can", "da", "del", "don", "fa", "fen", "gal", "gar", "ham", "hol", "ja", "kel", "kim",
    "la", "lin", "lo", "ma", "mer", "mon", "na", "nor", "o", "pa", "pel", "ra", "ren", "ro", "sa", "sel", "sto", "ta",
    "tor", "va", "ver", "win", "za",
];
const ENDINGS: [&str; 20] = [
    "son", "man", "ton", "ley", "ford", "berg", "ski", "ez", "ini", "ard", "ell", "er", "wood", "field", "sen", "ova",
    "ic", "dorf", "quist", "stein",
];

pub struct Names {
    family: Vec<&'static str>,
    female: Vec<&'static str>,
    male: Vec<&'static str>,
    called: Vec<(&'static str, &'static str)>,
}

impl Names {
    pub fn new() -> Self {
        let words = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
        let called = words(CALLED).chunks(2).map(|pair| (pair[0], pair[1])).collect();
        Self {
            family: words(FAMILY),
            female: words(FEMALE),
            male: words(MALE),
            called,
        }
    }

    pub fn family(&self, dice: &mut Dice) -> String {
        let one = |dice: &mut Dice| {
            if dice.percent(40) {
                (*dice.pick_early(&self.family)).to_owned()
            } else {
                made_up(dice)
            }
        };
        match dice.below(100) {
            0..3 => format!("{}-{}", one(dice), one(dice)),
            3..6 => format!("{} {}", one(dice), one(dice)),
            6..8 => format!("de la {}", one(dice)),
            _ => one(dice),
        }
    }

    pub fn given(&self, dice: &mut Dice, female: bool) -> String {
        if dice.percent(12) {
            return made_up(dice);
        }
        let list = if female { &self.female } else { &self.male };
        (*dice.pick_early(list)).to_owned()
    }

    /// What somebody of that name is called.
    pub fn nickname(&self, dice: &mut Dice, given: &str) -> Option<String> {
        let fitting: Vec<_> = self.called.iter().filter(|(name, _)| *name == given).collect();
        (!fitting.is_empty()).then(|| dice.pick(&fitting).1.to_owned())
    }
}

pub fn made_up(dice: &mut Dice) -> String {
    let mut name = (*dice.pick(&SYLLABLES)).to_owned();
    if dice.percent(60) {
        name.push_str(dice.pick::<&str>(&SYLLABLES));
    }
    name.push_str(dice.pick::<&str>(&ENDINGS));
    name
}
