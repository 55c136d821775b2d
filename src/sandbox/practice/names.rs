//! Names of invented people in the scripts that a practice meets, well-behaved ones and the others.

use super::Practice;
use super::dice::{Dice, nth};
use super::patient::same_person;

/// A way of naming people, with the language that goes with it.
#[derive(Debug)]
pub(super) struct Culture {
    /// BCP 47 tag and its English name.
    pub language: (&'static str, &'static str),
    /// The family name is written first.
    family_first: bool,
    families: &'static [&'static str],
    women: &'static [&'static str],
    men: &'static [&'static str],
}

/// A person's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub family: String,
    pub given: Vec<String>,
    /// The whole name as that culture writes it.
    pub text: String,
}

const fn culture(
    language: (&'static str, &'static str),
    family_first: bool,
    families: &'static [&'static str],
    women: &'static [&'static str],
    men: &'static [&'static str],
) -> Culture {
    Culture {
        language,
        family_first,
        families,
        women,
        men,
    }
}

/// English names come first; they are what half of the patients and most practitioners have.
static CULTURES: [Culture; 17] = [
    culture(
        ("en", "English"),
        false,
        &[
            "Walker",
            "Bennett",
            "Hayes",
            "Coleman",
            "Foster",
            "Griffin",
            "Porter",
            "Sullivan",
            "McAllister",
            "Whitfield",
            "Prescott",
            "Okafor",
            "Lindqvist",
            "Abernathy",
            "Fairbanks",
            "Holloway",
            "Van der Berg",
            "St. Clair",
            "Smith-Jones",
            "Le",
        ],
        &[
            "Mary", "Patricia", "Linda", "Barbara", "Susan", "Jessica", "Karen", "Emily", "Ashley", "Grace", "Hannah",
            "Olivia",
        ],
        &[
            "James", "Robert", "John", "Michael", "David", "William", "Richard", "Thomas", "Daniel", "Matthew",
            "Henry", "Samuel",
        ],
    ),
    culture(
        ("en", "English"),
        false,
        &[
            "O'Brien",
            "O’Connor",
            "D'Angelo",
            "N'Diaye",
            "O'Shea-D'Arcy",
            "M'Bokani",
            "ʻAkaka",
            "Dell'Acqua",
        ],
        &["Siobhán", "D'Arcy", "Máire", "Ka'iulani"],
        &["Seán", "D'Andre", "Pádraig", "Ke'ala"],
    ),
    culture(
        ("es", "Spanish"),
        false,
        &[
            "Núñez",
            "García Márquez",
            "Peña",
            "Ibáñez",
            "Muñoz",
            "Rodríguez",
            "Güell",
            "Ordóñez",
            "Gutiérrez",
            "Zúñiga",
        ],
        &["María José", "Inés", "Lucía", "Begoña", "Concepción", "Ángela"],
        &["José", "Íñigo", "Jesús", "Andrés", "Ramón", "Martín"],
    ),
    culture(
        ("fr", "French"),
        false,
        &["Lefèvre", "Gauthier-Côté", "Brûlé", "Françoys", "L'Hôpital", "Œuvrard"],
        &["Zoé", "Hélène", "Anaïs", "Chloé"],
        &["François", "Jérôme", "Noël", "Benoît"],
    ),
    culture(
        ("de", "German"),
        false,
        &["Müller", "Strauß", "Jäger", "von der Höhe", "Schön", "Großmann"],
        &["Käthe", "Ingeborg", "Jürgine", "Böbe"],
        &["Jürgen", "Götz", "Björn", "Jörg"],
    ),
    culture(
        ("pl", "Polish"),
        false,
        &[
            "Wiśniewski",
            "Żółkiewski",
            "Łącki",
            "Dvořák",
            "Šimůnek",
            "Đorđević",
            "Šťastný",
        ],
        &["Małgorzata", "Růžena", "Żaneta", "Đurđica"],
        &["Łukasz", "Jiří", "Zdeněk", "Željko"],
    ),
    culture(
        ("vi", "Vietnamese"),
        true,
        &["Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Đặng", "Vũ", "Đỗ"],
        &["Thị Hương", "Thị Ngọc Ánh", "Mỹ Duyên", "Thị Phượng"],
        &["Văn Đức", "Quốc Bảo", "Hữu Phước", "Đình Khôi"],
    ),
    culture(
        ("ru", "Russian"),
        false,
        &["Иванов", "Шевченко", "Кузнецов", "Йорданов", "Ґалаґан", "Ђорђевић"],
        &["Екатерина", "Юлія", "Софья", "Людмила"],
        &["Дмитрий", "Сергій", "Фёдор", "Михаил"],
    ),
    culture(
        ("el", "Greek"),
        false,
        &["Παπαδόπουλος", "Οικονόμου", "Καραγιάννης", "Αγγελόπουλος"],
        &["Ελένη", "Ευαγγελία", "Ζωή", "Χρυσούλα"],
        &["Γεώργιος", "Ιωάννης", "Σπύρος", "Αχιλλεύς"],
    ),
    culture(
        ("ar", "Arabic"),
        false,
        &["الخطيب", "بن عبد الله", "المصري", "حدّاد", "العلي"],
        &["فاطمة", "عائشة", "نور الهدى", "ليلى"],
        &["محمد", "عبد الرحمن", "يوسف", "خالد"],
    ),
    culture(
        ("he", "Hebrew"),
        false,
        &["כהן", "לוי", "בן־דוד", "מזרחי", "שפירא"],
        &["שרה", "רחל", "יעל", "נועה"],
        &["דוד", "יוסף", "משה", "אברהם"],
    ),
    culture(
        ("zh", "Chinese"),
        true,
        &["王", "李", "张", "欧阳", "司马", "陳", "黃", "𠮷"],
        &["秀英", "丽", "静怡", "美玲"],
        &["伟", "建国", "志強", "子涵"],
    ),
    culture(
        ("ja", "Japanese"),
        true,
        &["佐藤", "鈴木", "髙橋", "渡邊", "﨑山", "辻󠄀"],
        &["さくら", "陽子", "メアリー", "美咲"],
        &["健太", "翔", "ヒロシ", "大輔"],
    ),
    culture(
        ("ko", "Korean"),
        true,
        &["김", "이", "박", "최", "남궁", "황보"],
        &["서연", "지우", "은정", "미영"],
        &["민준", "성호", "동현", "영수"],
    ),
    culture(
        ("th", "Thai"),
        false,
        &["ศรีสุวรรณ", "วงศ์สวัสดิ์", "เจริญสุข", "บุญมี"],
        &["สมหญิง", "กัญญา", "พิมพ์ชนก", "ดวงใจ"],
        &["สมชาย", "ณัฐวุฒิ", "ธีรพงษ์", "กิตติ"],
    ),
    culture(
        ("hi", "Hindi"),
        false,
        &["शर्मा", "श्रीवास्तव", "सिंह", "द्विवेदी", "ठाकुर"],
        &["प्रिया", "लक्ष्मी", "ऐश्वर्या", "सुनीता"],
        &["राजेश", "कृष्ण", "अर्जुन", "संजय"],
    ),
    culture(
        ("yo", "Yoruba"),
        false,
        // Written with combining marks; the first and the last are the same name in two normal forms.
        &[
            "Ọláfẹ́mi",
            "Ade\u{301}yẹmi\u{300}",
            "Jose\u{301} Mun\u{303}oz",
            "Zu\u{308}n\u{303}iga",
            "José Muñoz",
        ],
        &[
            "Fo\u{323}la\u{301}\u{323}ke\u{301}",
            "Re\u{301}ne\u{301}e",
            "Zoe\u{308}",
        ],
        &["A\u{30A}ke", "O\u{301}lafur", "Be\u{301}la"],
    ),
];

/// Family names that have broken software before; each belongs to the patients at one place in sixty-four.
const HOSTILE: [(u64, &str); 6] = [
    (5, "Ansi\u{1b}[31;1mRed\u{1b}[0m\u{1b}]0;title\u{7}"),
    (9, "Bidi\u{202e}drawkcab\u{202c}\u{2066}isolate\u{2069}"),
    (
        14,
        "Wolfeschlegelsteinhausenbergerdorff-Hubertsohn-Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogoch-Bighead-von-und-zu-\
         Hohenzollern-Sigmaringen-Wittelsbach-Habsburg-Lothringen-Sachsen-Coburg-und-Gotha-Schleswig-Holstein-Sonderburg-Glücksburg",
    ),
    (19, "Z\u{300}\u{301}\u{302}\u{303}\u{304}a\u{315}\u{31b}lgo\u{489}"),
    (22, "\"Quote\" \\Backslash\\ <b>Tag</b> &amp; 'Apos'"),
    (27, "Two\nLines\tand a tab\u{feff}\u{200b}"),
];

/// The culture a patient's name comes from; each occurs within any 32 neighbouring patients.
pub(super) fn culture_of(practice: &Practice, patient: u64) -> &'static Culture {
    let slot = same_person(patient).wrapping_mul(11).wrapping_add(practice.seed()) % 32;
    nth(&CULTURES, if slot <= 16 { slot } else { 0 })
}

impl Culture {
    /// A name of this culture, for a woman or a man.
    pub fn name(&self, dice: &mut Dice, woman: bool) -> Name {
        let family = *dice.pick(self.families);
        let table = if woman { self.women } else { self.men };
        let mut given = vec![(*dice.pick(table)).to_owned()];
        if self.language.0 == "en" && !dice.one_in(3) {
            let middle = *dice.pick(table);
            let initial = middle.chars().next().filter(|_| dice.one_in(2));
            given.push(initial.map_or_else(|| middle.to_owned(), |letter| format!("{letter}.")));
        }
        self.whole(family.to_owned(), given)
    }

    fn whole(&self, family: String, given: Vec<String>) -> Name {
        let givens = given.join(" ");
        let text = match (self.family_first, self.language.0) {
            (true, "vi") => format!("{family} {givens}"),
            (true, _) => format!("{family}{givens}"),
            (false, _) => format!("{givens} {family}"),
        };
        Name { family, given, text }
    }
}

/// The official name of a patient.
pub(super) fn of_patient(practice: &Practice, patient: u64, dice: &mut Dice, woman: bool) -> Name {
    let culture = culture_of(practice, patient);
    let name = culture.name(dice, woman);
    match HOSTILE.iter().find(|(place, _)| *place == same_person(patient) % 64) {
        Some((_, family)) => culture.whole((*family).to_owned(), name.given),
        None => name,
    }
}

/// The name of a practitioner, mostly an English one.
pub(super) fn of_practitioner(dice: &mut Dice) -> Name {
    let place = if dice.one_in(3) { dice.below(7) } else { 0 };
    let woman = dice.one_in(2);
    nth(&CULTURES, place).name(dice, woman)
}
