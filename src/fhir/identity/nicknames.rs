//! Given names and what people with them are called: sets, each name of which may stand for any other, the formal one first.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The most sets that one name is in.
pub(super) const MOST: usize = 4;

const SETS: &[&str] = &[
    "abigail abby abbie gail",
    "abraham abe bram",
    "adelaide adele addie heidi",
    "adrian adriano ade",
    "agnes aggie nessa",
    "albert al bert albie alberto beto",
    "alexander alex alec sandy xander lex sasha alejandro ale jandro alessandro aleksandr aleksander oleksandr",
    "alexandra alex sandra sandy lexi alexis sasha alejandra aleksandra",
    "alfred al fred freddie alf alfredo fredo",
    "alice allie ally alicia alison",
    "allison alison allie ally",
    "amanda mandy manda",
    "amelia amy millie mia",
    "anastasia stacy nastya ana stasia",
    "andrea andie andy drea",
    "andrew andy drew andres andrei andrey andrzej",
    "angela angie angelina angelica",
    "ann anna anne annie nan nancy hannah anya ana anita",
    "anthony tony antonio toni anton",
    "antoinette toni nettie annette",
    "archibald archie",
    "arthur art artie arturo",
    "augustus gus augie august agustin",
    "barbara barb barbie babs bobbie",
    "beatrice bea trixie beatriz betty",
    "benjamin ben benny benji benjie",
    "bernard bernie barney bernardo",
    "bradley brad",
    "bridget biddy bridie brigid",
    "calvin cal",
    "cameron cam",
    "caroline carol carrie caro lynn carolina carolyn",
    "cassandra cassie sandra cass",
    "catherine kathy cathy kate katie kitty cath kay katherine katharine kathryn catalina katarina ekaterina katya kathleen kat",
    "cecilia cissy ceci celia cece",
    "charles charlie chuck chas chaz carlos carl karl charley",
    "charlotte charlie lottie char",
    "christina chris tina christy crissy kristina kris cristina christine kristin kristen christie",
    "christopher chris kit topher kris cristobal cristopher",
    "cynthia cindy cyndi",
    "daniel dan danny dani daniil",
    "danielle dani dany",
    "david dave davey davy",
    "deborah deb debbie debra debby",
    "dennis denny den",
    "diana di diane dianne",
    "dmitry dima dmitri dmitriy mitya dimitri",
    "dominic dom nick domingo dominick",
    "donald don donnie donny",
    "dorothy dot dottie dolly dory dorotea",
    "douglas doug",
    "edward ed eddie ted teddy ned eduardo edwin lalo",
    "eleanor ellie nell nora ella elena lena elinor leonor",
    "elizabeth liz lizzie beth betsy betty eliza lisa libby bess bessie elisabeth liza lily isabel lisbeth elsie ellie",
    "emily em emmy millie emilia",
    "emma em emmy",
    "enrique quique kike henry",
    "ernest ernie ernesto neto",
    "esperanza lancha espe",
    "esther essie hester ester",
    "eugene gene eugenio yevgeny evgeny",
    "evelyn eve evie",
    "florence flo flossie florrie",
    "frances fran frannie francie fanny francesca francisca paquita",
    "francisco paco pancho frank kiko paquito cisco",
    "francis frank fran frankie francisco",
    "franklin frank frankie",
    "frederick fred freddie freddy rick fritz federico",
    "gabriel gabe gabi",
    "gabriela gabby gaby gabrielle gabriella",
    "gerald jerry gerry gerardo",
    "gerard jerry gerry gerardo",
    "george georgie jorge yuri georgios giorgos coque",
    "gilbert gil bert gilberto beto",
    "gloria glo",
    "grace gracie graciela chela",
    "gregory greg gregg gregorio goyo",
    "guadalupe lupe lupita pita",
    "guillermo memo guille william",
    "gwendolyn gwen wendy",
    "harold harry hal",
    "harriet hattie harry",
    "helen nell nellie ellen lena elena helena eleni",
    "henry hank harry hal enrique henri heinrich",
    "herbert herb bert heriberto",
    "hugo hugh huey",
    "humberto beto",
    "ignacio nacho iggy",
    "isaac ike zac",
    "isabella bella izzy isabel belle isabelle chavela",
    "ivan ivo vanya john",
    "jacob jake jack jacobo yakov jakob",
    "jacqueline jackie jacqui",
    "james jim jimmy jamie jem diego jaime santiago",
    "janet jan jenny nettie",
    "jeffrey jeff geoff geoffrey jeffery",
    "jennifer jen jenny jenn jenna",
    "jeremy jerry jem jeremiah",
    "jessica jess jessie",
    "jesus chucho chuy",
    "joan jo joanie juana joanna",
    "joanna jo joann joanne",
    "john johnny jack jon juan jonny hank ivan johann giovanni jean ioannis yiannis jan",
    "jonathan jon jonny nathan john johnathan",
    "jose pepe joseph che joe",
    "joseph joe joey jo jose josef yusuf youssef yosef giuseppe",
    "josephine jo josie josefina fina josefa pepa",
    "joshua josh josue",
    "judith judy jude judi",
    "julia jules julie juliana giulia yulia",
    "justin jus tino",
    "karen kari",
    "kenneth ken kenny",
    "kimberly kim kimmy kimberley",
    "laurence larry lawrence lorenzo lars lencho",
    "lauren laurie lori",
    "laura laurie lori",
    "leonard leo len lenny leonardo",
    "leslie les",
    "lillian lily lil lilly liliana",
    "lourdes lulu",
    "louis lou louie luis lewis",
    "louise lou luisa lulu",
    "lucille lucy lu lucia luz",
    "luis lucho lou",
    "magdalena magda lena maggie",
    "manuel manny manolo manu emmanuel emanuel",
    "margaret maggie meg peggy marge margie greta rita madge daisy margarita margot marguerite megan malgorzata gosia",
    "maria mary marie mia mari maryam mariya masha maria chepa",
    "mario mayo",
    "martha marty mattie marta",
    "martin marty tincho",
    "mary molly polly mae mamie may marie maria",
    "matilda tilly mattie",
    "matthew matt mat matty mateo matias",
    "maximilian max maxim maximo",
    "melissa missy mel lissa",
    "mercedes meche merche",
    "michael mike mick mickey micky miguel mikhail misha michel mikey mitch",
    "michelle shelly micky chelle michele",
    "mildred millie mildy",
    "miriam mimi mim maryam",
    "mohammed mohamed muhammad mohammad mo mhmd mehmet muhammed",
    "nancy nan ann",
    "natalie nat nattie natalia natasha natalya",
    "nathaniel nate nat nathan",
    "nicholas nick nicky nico nicolas nikolai klaus colin kolya nikolaos",
    "nicole nicky nikki",
    "oliver ollie",
    "olivia liv livvy ollie",
    "pamela pam",
    "patricia pat patty tricia trish patsy pattie",
    "patrick pat paddy patricio rick padraig",
    "paul pablo paulie pavel paolo",
    "pauline paula polly paulina",
    "penelope penny nell",
    "peter pete pedro pyotr petros piotr pietro",
    "philip phil pip felipe phillip",
    "rachel rae shelly raquel rachael",
    "rafael rafa raphael rafe",
    "raymond ray ramon raimundo moncho",
    "rebecca becky becca reba rebeca",
    "regina reggie gina",
    "richard rick dick ricky rich richie ricardo ritchie",
    "robert bob bobby rob robbie bert roberto robin beto",
    "roberta bobbie robbie",
    "rodrigo rodri",
    "roger rodge hodge rogelio",
    "ronald ron ronnie ronny",
    "rosa rose rosie rosita",
    "rosario chayo charo",
    "rosemary rose rosie romy",
    "russell russ rusty",
    "salvador chava sal",
    "samantha sam sammy",
    "samuel sam sammy",
    "sarah sally sadie sara",
    "sergio checo sergei sergey serhii sergiy",
    "sophia sophie sofia sofya",
    "stanley stan",
    "stephanie steph stevie stefanie estefania stefania",
    "steven steve stevie stephen esteban stefan stefano",
    "susan sue suzie susie susanna suzanne suzy susana",
    "teresa terry tess tessa theresa tere reese",
    "terence terry terrence",
    "theodore ted teddy theo teodoro",
    "thomas tom tommy tomas",
    "timothy tim timmy timoteo",
    "valentina val tina",
    "valerie val valeria",
    "veronica ronnie vera roni nica",
    "vicente chente vincent",
    "victor vic vick viktor",
    "victoria vicky tori vic vikki",
    "vincent vince vinny vinnie",
    "virginia ginny ginger gina",
    "vladimir vova volodya volodymyr",
    "walter walt wally",
    "william bill billy will willie willy liam wilhelm guillermo",
    "xiomara xio",
    "yesenia yesi jessenia",
    "yolanda yoli",
    "zachary zach zack zak zachariah",
];

/// The sets that a given name in small Latin letters is in, by number from 1; 0 stands for none.
pub(super) fn sets(latin: &str) -> [u8; MOST] {
    static INDEX: LazyLock<HashMap<&str, [u8; MOST]>> = LazyLock::new(|| {
        let mut index: HashMap<&str, [u8; MOST]> = HashMap::new();
        for (number, set) in (1..=u8::MAX).zip(SETS) {
            for name in set.split_whitespace() {
                let sets = index.entry(name).or_default();
                if !sets.contains(&number)
                    && let Some(free) = sets.iter_mut().find(|set| **set == 0)
                {
                    *free = number;
                }
            }
        }
        index
    });
    INDEX.get(latin).copied().unwrap_or_default()
}

/// Whether a name is the one that a set's others stand for.
pub(super) fn formal(latin: &str) -> bool {
    static FORMAL: LazyLock<HashSet<&str>> =
        LazyLock::new(|| SETS.iter().filter_map(|set| set.split_whitespace().next()).collect());
    FORMAL.contains(latin)
}

/// Whether two names are in one set.
pub(super) fn share(a: [u8; MOST], b: [u8; MOST]) -> bool {
    a.iter().any(|set| *set != 0 && b.contains(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_sets() {
        assert!(SETS.len() < usize::from(u8::MAX));
        let mut crowded = Vec::new();
        for (number, set) in (1..=u8::MAX).zip(SETS) {
            for name in set.split_whitespace() {
                if !sets(name).contains(&number) {
                    crowded.push(name);
                }
            }
        }
        assert!(crowded.is_empty(), "in more than {MOST} sets: {crowded:?}");
        assert_eq!(sets("wolfgang"), [0; MOST]);
    }
}
