//! Words of English grammar, and words whose meaning tells of cause and effect.
//!
//! The lists name what the language has, not what some set of sentences uses: classes of function words, verbs by their
//! lemma, and nouns for what happens, is felt or is given off.

use super::token::Class;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

const DETERMINERS: &str = "a an the this these those my your his her its our their some any each every all both either \
    neither another such no many much several few more most less fewer various numerous certain enough own";
const PRONOUNS: &str = "i you he she it we they me him us them himself herself itself themselves oneself one ones \
    something anything everything nothing someone anyone everyone somebody anybody everybody nobody there here";
const RELATIVES: &str = "that which who whom whose";
const PREPOSITIONS: &str = "of in on at by for from with without within into onto to through throughout during after \
    before between among amongst against about over under above below across along around behind beside besides beyond \
    near toward towards upon via per despite except inside outside off out up down since until till unlike like than \
    amid amidst following including concerning regarding versus as plus minus";
const COORDINATORS: &str = "and or nor & and/or";
const CLAUSES: &str = "but when while whereas although though because if unless once whenever where wherever whether so \
    yet hence thus therefore why how what then";
const BE: &str = "is are was were be been being am 's're isn't aren't wasn't weren't";
const AUXILIARIES: &str = "has have had having do does did will would shall should can could may might must cannot to \
    wo ca ought hasn't haven't hadn't";
const NEGATIONS: &str = "not never n't neither nor don't doesn't didn't won't wouldn't cannot can't couldn't hardly \
    isn't aren't wasn't weren't hasn't haven't hadn't";
const ADVERBS: &str = "also even often still already always again almost just only ever perhaps maybe quite rather very \
    too soon sometimes together however moreover furthermore indeed instead now today yesterday tomorrow later once \
    twice usually mainly largely partly mostly primarily especially afoot thereby away ago well far most more then \
    entirely solely chiefly first finally further";
const NO_ADVERBS: &str = "family anomaly assembly supply reply monopoly italy july belly jelly bully fly ally rally folly \
    butterfly early daily weekly monthly quarterly yearly elderly only friendly lovely costly deadly likely unlikely \
    early ugly holy lonely lively silly orderly hourly homily melancholy";
// Verbs in forms that are hardly ever nouns.
const VERBS: &str = "said says say told tells tell believe believes believed think thinks know knows knew known \
    found finds find shows showed shown seem seems seemed appear appears appeared became become becomes got get gets \
    gave gives give took takes take taken made makes make went goes go came comes come saw sees see seen keep keeps \
    kept let lets began begins begin begun bring brings brought buy buys bought sold sell sells pay pays paid \
    include includes included contain contains contained suggest suggests suggested argue argues argued explain \
    explains explained describe describes described occur occurs occurred happen happens happened die dies died \
    suffer suffers suffered lose loses lost fell rose grew arose led leads lead caused causes meant means mean \
    wrote writes write written read held hold holds stood stand stands sat sit sits lay lie lies lain spoke speak speaks \
    ran threw thrown drew drawn drove driven chose chosen broke broken ate eaten flew flown hid hidden rode ridden wore \
    worn won win wins sent send sends spent spend spends met meet meets built builds left leave leaves felt heard hear \
    hears announced announces reported reports remain remains remained require requires required affect affects \
    affected provide provides provided reduce reduces reduced improve improves improved prevent prevents prevented \
    allow allows allowed help helped helps want wants wanted try tries tried decide decides decided learn learned \
    learns realize realizes realized ensue ensues ensued continue continues continued begun wanted cannot expect expects \
    expected shrank sank rang sprang sprung hit hits struck strikes shut put puts set sets declined declines declined \
    increased increases decreased decreases decreases";

/// Verbs of causing that take the effect as their object.
const STRONG: &[&str] = &[
    "cause",
    "trigger",
    "spark",
    "provoke",
    "induce",
    "instigate",
    "engender",
    "beget",
    "precipitate",
    "prompt",
    "unleash",
    "spawn",
    "incite",
    "occasion",
    "elicit",
    "evoke",
    "ignite",
    "inflict",
    "exacerbate",
    "aggravate",
    "necessitate",
    "spur",
    "kindle",
    "foment",
    "effectuate",
    "catalyze",
    "catalyse",
    "wreak",
];
/// Verbs that tell of causing when their object is something that happens, is felt or is given off.
const WEAK: &[&str] = &[
    "produce",
    "generate",
    "create",
    "emit",
    "radiate",
    "yield",
    "make",
    "give",
    "release",
    "arouse",
    "raise",
    "drive",
    "fuel",
    "bring",
    "deliver",
    "boost",
    "lift",
    "stimulate",
    "inspire",
    "stir",
    "transmit",
    "emanate",
    "establish",
    "fan",
    "pose",
    "exert",
    "prolong",
    "initiate",
    "start",
    "underpin",
    "support",
    "hurt",
    "hamper",
    "erode",
    "offset",
    "pressure",
    "depress",
    "accelerate",
    "increase",
    "reduce",
    "decrease",
    "worsen",
    "effect",
];

const IRREGULAR: &[(&str, &[&str])] = &[
    ("beget", &["begot", "begat", "begotten", "begetting"]),
    ("make", &["made", "making"]),
    ("give", &["gave", "given", "giving"]),
    ("drive", &["drove", "driven", "driving"]),
    ("bring", &["brought"]),
    ("lead", &["led"]),
    ("come", &["came", "coming"]),
    ("arise", &["arose", "arisen", "arising"]),
    ("grow", &["grew", "grown"]),
    ("spring", &["sprang", "sprung"]),
    ("spur", &["spurred", "spurring"]),
    ("stir", &["stirred", "stirring"]),
    ("stem", &["stemmed", "stemming"]),
    ("emit", &["emitted", "emitting", "emited", "emiting"]),
    ("transmit", &["transmitted", "transmitting"]),
    ("hurt", &["hurt"]),
    ("offset", &["offset"]),
    ("set", &["set", "setting"]),
    ("fan", &["fanned", "fanning"]),
    ("stop", &["stopped", "stopping"]),
    ("fall", &["fell", "fallen"]),
    ("rise", &["rose", "risen"]),
];

/// How a verb stands in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// "cause", "causes".
    Present,
    /// "caused": the past, or a participle.
    Past,
    /// "causing".
    Gerund,
}

/// The lemma of a verb that tells of causes, and the form it stands in.
pub fn causal_verb(lower: &str) -> Option<(&'static str, Form)> {
    VERB_FORMS.get(lower).copied()
}

/// Whether the object of the verb is an effect whatever it is.
pub fn is_strong(lemma: &str) -> bool {
    STRONG.contains(&lemma)
}

/// Whether the verb tells of causing with an object that can be one.
pub fn is_weak(lemma: &str) -> bool {
    WEAK.contains(&lemma)
}

static VERB_FORMS: LazyLock<HashMap<String, (&'static str, Form)>> = LazyLock::new(|| {
    let others = [
        "result",
        "lead",
        "contribute",
        "culminate",
        "end",
        "come",
        "arise",
        "stem",
        "originate",
        "derive",
        "ensue",
        "emanate",
        "spring",
        "grow",
        "attribute",
        "blame",
        "set",
        "account",
        "reflect",
        "follow",
        "develop",
        "flow",
        "proceed",
        "issue",
        "start",
        "begin",
    ];
    let mut forms = HashMap::new();
    for lemma in STRONG.iter().chain(WEAK).copied().chain(others) {
        for (form, kind) in inflections(lemma) {
            forms.entry(form).or_insert((lemma, kind));
        }
    }
    forms
});

/// The forms of a verb by the rules of spelling, and its irregular ones.
fn inflections(lemma: &str) -> Vec<(String, Form)> {
    let mut forms = vec![(lemma.to_owned(), Form::Present)];
    let consonant_y = lemma.ends_with('y') && !lemma.ends_with(|c| "aeiou".contains(c));
    forms.push((
        match lemma {
            _ if consonant_y => format!("{}ies", &lemma[..lemma.len() - 1]),
            _ if lemma.ends_with(['s', 'x', 'z']) || lemma.ends_with("ch") || lemma.ends_with("sh") => {
                format!("{lemma}es")
            }
            _ => format!("{lemma}s"),
        },
        Form::Present,
    ));
    if let Some((_, irregular)) = IRREGULAR.iter().find(|(known, _)| *known == lemma) {
        for form in *irregular {
            let kind = if form.ends_with("ing") && *form != "spring" { Form::Gerund } else { Form::Past };
            forms.push(((*form).to_owned(), kind));
        }
    }
    let stem = lemma.strip_suffix('e').unwrap_or(lemma);
    forms.push((format!("{stem}ed"), Form::Past));
    forms.push((format!("{stem}ing"), Form::Gerund));
    forms
}

/// Nouns for what happens, is felt, is suffered or is given off.
const EFFECTS: &str = "ache aching acne agony alarm allergy anger anguish annoyance anxiety applause arousal arthritis asthma \
    backlash ban bankruptcy beam benefit bleeding blindness blast blister bloating boom boost boredom breakdown breakout \
    bruise bruising burn burning burnout buzz calamity cancer casualty cavity chaos change cheer cheers chill clash \
    collapse colic collision coma comfort concern condition conflict confusion contamination contraction controversy \
    cough coughing crack crash crisis cramp cry crying current damage danger darkness deafness death debris decay decline \
    decrease defect deficit deformity dehydration delay delight depression deterioration devastation diarrhea disaster \
    discharge discoloration discolouration discomfort discontent disease dismay disorder displacement displeasure \
    disruption dissatisfaction distortion distress disturbance dizziness downturn drop drought drowsiness dryness dust \
    earthquake eczema embarrassment emergency emission enjoyment enthusiasm epidemic erosion error eruption euphoria \
    evacuation exhaustion excitement explosion extinction failure famine fatality fatigue fear fever field fire flame \
    flash flight flood flooding frustration fun fury gain glare glow gloom grief growth guilt happiness harm hazard \
    headache heartache heartbreak heartburn heat hemorrhage hormone hostility humidity hunger hurt hysteria ignition illness \
    imbalance impact impairment improvement impulse inconvenience income increase infection infertility inflammation \
    inflation inhibition injury insomnia instability interference interruption intoxication irritation itch itching \
    itchiness jam joy kick lag laughter laugh leak lesion light lightning loss lump malaise malformation malfunction mania \
    melancholy mess migraine misery mishap moan molt motion movement murmur nausea noise nosebleed numbness odor odour \
    oscillation outage outbreak outcry outrage overdose overflow overload pain palpitation panic paralysis pneumonia poisoning \
    pollution poverty preservation pressure prestige pride problem profit protest rage rain rash reaction recession \
    recovery recurrence redness reduction relaxation relief resentment resistance response reverberation revenue revolt \
    rift riot ripple risk rise roar rumble rupture rust sadness satisfaction scandal scar scarcity scarring scream \
    screaming screech seizure sensation setback shadow shame shock shockwave shortage shortfall shrinkage shudder sickness \
    signal slowdown slump smell smile smoke sneeze sneezing snarl sobbing soot sore soreness sorrow sound spasm spark \
    spike spot squeal stain stench stiffness stink storm strain stress stretch stroke strike suction suffering suffocation \
    suicide surge surprise suspicion swell swelling symptom tears tension terror thrill thunder tingling tinnitus tiredness \
    torsion tragedy trauma tremor trouble tsunami turbulence turmoil twitch ulcer unconsciousness unease unemployment \
    unrest upheaval upset uproar vibration victory violence vomiting warming warmth wave weakness wealth wear weariness \
    wheezing whine whistle win worry wound wrinkle yawn illusion fulfillment fulfilment contentment disappointment \
    breakage bloodshed crime earnings savings sales shrinkage tardiness absence lateness radiation electricity energy power \
    momentum thrust torque drag friction glitter glimmer echo hum clatter bang boom click thud crackle sizzle ringing \
    image benefit fortune commission margin volatility demand activation inversion stimulation variation fluctuation \
    rally selloff sell-off downgrade upgrade default writedown write-down impairment expense cost costs decision debate \
    discussion militancy discrimination mentality prejudice conviction circumstance state conditions wildfire wildfires \
    meltdown landslide avalanche blackout backlog bottleneck congestion crowding hallucination delirium dementia \
    obesity diabetes ailment amnesia anaphylaxis angina annihilation appendicitis apprehension arrhythmia astonishment attrition awkwardness \
    bafflement bang bark beep bend bewilderment bitterness blaze blindness blip blockage bloodstain blowback blur blurring blush \
    bounce brawl breach breathlessness breeze brightness bump cataract catastrophe chagrin chatter chime chirp choking clamor \
    clamour clap clot clotting clutter commotion complication compression concussion constipation consternation \
    convulsion corrosion crackle cracking craving creak crunch crush dampness deflation deflection defoliation dejection \
    delirium demise demoralization dent depletion deportation desertification desire desolation despair despondency \
    destabilization destruction detonation disability disappearance disapproval discord discontinuity disgrace disgust \
    disillusionment dislocation disorientation displacement dissent dissociation diversion divide divorce doom downfall drain dread \
    drip drowning dysfunction eclipse elation elongation embolism enlargement enmity enrichment epilepsy euphoria exasperation \
    excess exodus expansion explosion exposure facelift faint fainting fallout fatality ferment fever fibrillation fine \
    fissure fit flare flaw flicker fluorescence fog forgetfulness fracture fragmentation fright frost frown gasp \
    giddiness gratification gratitude groan growl grunt gust hangover hardening hardship haze healing hiccup hiss hives \
    hoarseness homelessness hoot howl humiliation hypothermia hypoxia ignorance immunity impatience impotence \
    incontinence indignation indigestion inefficiency inequality injustice insanity insecurity insult intolerance invasion \
    isolation jerk jingle jolt jubilation lag lameness lawsuit layoff lethargy leukemia loneliness longing luminescence lust \
    malnutrition massacre menace misfortune misunderstanding mortality mourning mutation mutiny myopia nervousness nightmare \
    obstruction offence offense oppression optimism orgasm overcrowding overheating overproduction palsy paranoia patter \
    penalty perforation peril perspiration perturbation pessimism phobia plight pop pregnancy psychosis puncture pus rattle \
    rebellion recall recoil recollection refraction regret rejection remorse repercussion repulsion resonance restlessness \
    retardation revolution rigidity ring roar rot rout rush rustle sag salvation sarcoma scald scare schism sclerosis scratch scuffle \
    sedation sepsis shake shaking shine shiver shout shriek side-effect silence sigh skirmish slaughter sleepiness sleeplessness \
    slip slippage slurring smog smudge snoring sob sparkle splash splinter spill sprain squeak squeeze stagnation stampede starvation \
    static stillbirth stoppage strife stupor sunburn surplus suspense sweat sweating tantrum tear thirst throb throbbing \
    thrombosis thump tick toothache toxicity tragedy trance transition transmission trauma tumult twinge twist uncertainty \
    unhappiness urge urgency vacuum vertigo void volatility vulnerability wail war warp warping waste whimper whiplash whirlpool \
    whisper whoosh woe wreck wreckage yell zeal zest anger hype glee chuckle applause ovation acclaim fame notoriety \
    hypertension hypotension anemia anaemia tumor tumour lesion wart cyst pimple cold flu influenza \
    virus plague cholera malaria hepatitis rabies stain ecstasy nostalgia jealousy envy hatred dread horror awe bliss";

const EFFECT_SUFFIXES: &[&str] =
    &["itis", "osis", "emia", "aemia", "algia", "pathy", "rrhea", "ness", "ization", "isation", "ification"];

/// Nouns in "tion" and "sion" that name things, places, texts and groups rather than what happens.
const NO_EVENTS: &str = "information organization organisation station publication section position edition ration nation education \
    application version television mission commission question invitation translation collection selection solution description \
    presentation production construction institution association population generation location function option tradition \
    corporation foundation federation delegation donation quotation citation instruction documentation configuration notation \
    conversation mention fiction nonfiction relation session profession fashion passion religion region union opinion million \
    billion dimension pension vision provision direction action transaction composition constitution expedition illustration \
    recommendation contribution observation exhibition definition explanation suggestion intention administration legislation \
    installation animation declaration operation transportation recognition election convention communication plantation \
    destination vacation occupation auction portion attention addition ambition auction caption exclusion incursion simulation approximation permission excursion motion motivation creation";

/// Whether a noun names something that happens, is felt, is suffered or is given off.
pub fn is_effect(lower: &str) -> bool {
    let singular = lower.strip_suffix('s').unwrap_or(lower);
    let process = (singular.ends_with("tion") || singular.ends_with("sion")) && singular.len() > 6;
    is_named_effect(lower) || process && !NO_EVENT_NOUNS.contains(singular)
}

static NO_EVENT_NOUNS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| NO_EVENTS.split_whitespace().collect());

fn is_named_effect(lower: &str) -> bool {
    let known = |word: &str| EFFECT_NOUNS.contains(word);
    let lower = lower.rsplit('-').next().unwrap_or(lower);
    known(lower)
        || lower.strip_suffix('s').is_some_and(known)
        || lower
            .strip_suffix("es")
            .is_some_and(|stem| ["s", "x", "z", "ch", "sh"].iter().any(|end| stem.ends_with(end)) && known(stem))
        || lower.strip_suffix("ies").is_some_and(|stem| known(&format!("{stem}y")))
        || EFFECT_SUFFIXES.iter().any(|suffix| lower.len() > suffix.len() + 3 && lower.ends_with(suffix))
}

static EFFECT_NOUNS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| EFFECTS.split_whitespace().collect());

/// Nouns that only say how much or what sort of the noun after "of".
const PARTITIVES: &[&str] = &[
    "number",
    "kind",
    "type",
    "series",
    "lot",
    "lots",
    "hundreds",
    "thousands",
    "dozens",
    "millions",
    "billions",
    "variety",
    "range",
    "combination",
    "set",
    "amount",
    "form",
    "sort",
    "majority",
    "couple",
    "plenty",
    "pair",
    "bit",
    "piece",
    "deal",
    "host",
    "array",
    "kinds",
    "types",
    "forms",
    "sorts",
    "rest",
    "half",
    "majority",
    "minority",
    "multitude",
    "group",
    "mixture",
    "some",
    "many",
    "most",
    "all",
    "several",
    "few",
    "each",
    "one",
    "any",
    "both",
];

/// Whether "X of Y" is about Y.
pub fn is_partitive(lower: &str) -> bool {
    PARTITIVES.contains(&lower)
}

const PEOPLE: &str = "man woman child boy girl person people author writer artist painter composer director designer \
    manufacturer company firm brewery factory producer player singer band musician chef architect engineer scientist \
    researcher inventor student teacher president minister officer king queen farmer baker carpenter sculptor potter \
    craftsman poet novelist journalist photographer user team committee government group brother sister friend \
    member programmer developer builder maker owner manager doctor expert analyst corporation bank retailer insurer provider supplier airline \
    carmaker chipmaker drugmaker startup agency institution organization organisation business brand lender conglomerate";

/// Whether a noun names people or what people form: a maker rather than a cause.
pub fn is_people(lower: &str) -> bool {
    let known = |word: &str| PEOPLE_NOUNS.contains(word);
    known(lower) || lower.strip_suffix('s').is_some_and(known)
}

static PEOPLE_NOUNS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| PEOPLE.split_whitespace().collect());

const TIMES: &str = "year month week day hour minute second century decade time period moment morning afternoon evening \
    night midnight noon today yesterday season spring summer autumn winter monday tuesday wednesday thursday friday \
    saturday sunday january february march april may june july august september october november december semester \
    quarter age childhood past future beginning start end date";

/// Whether a noun names a time.
pub fn is_time(lower: &str) -> bool {
    let known = |word: &str| TIME_NOUNS.contains(word);
    known(lower) || lower.strip_suffix('s').is_some_and(known) || lower.bytes().all(|byte| byte.is_ascii_digit())
}

static TIME_NOUNS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| TIMES.split_whitespace().collect());

static CLASSES: LazyLock<HashMap<&'static str, Class>> = LazyLock::new(|| {
    let mut classes = HashMap::new();
    for (words, class) in [
        (NEGATIONS, Class::Negation),
        (RELATIVES, Class::Relative),
        (BE, Class::Be),
        (AUXILIARIES, Class::Auxiliary),
        (DETERMINERS, Class::Determiner),
        (PRONOUNS, Class::Pronoun),
        (COORDINATORS, Class::Coordinator),
        (CLAUSES, Class::Clause),
        (PREPOSITIONS, Class::Preposition),
        (ADVERBS, Class::Adverb),
        (VERBS, Class::Verb),
    ] {
        for word in words.split_whitespace() {
            classes.entry(word).or_insert(class);
        }
    }
    for word in NO_ADVERBS.split_whitespace() {
        classes.entry(word).or_insert(Class::Nominal);
    }
    classes
});

/// The class of a word of grammar.
pub fn class(lower: &str) -> Option<Class> {
    CLASSES.get(lower).copied()
}

/// Whether a word is an adverb by its ending.
pub fn is_adverb(lower: &str) -> bool {
    lower.len() > 4 && lower.ends_with("ly") && !lower.ends_with("lly-")
}

const EVENTS: &str = "accident announcement arrest arrival assault assassination attack battle betrayal birth bombing break breakup \
    cut deal decision defeat deluge departure deployment disclosure discovery dismissal divorce election exposure fight fire game goal \
    hit hurricane incident invasion launch layoff loss massacre match meeting merger murder news operation overthrow rape release report \
    resignation scandal shooting shot spill split storm surgery therapy treatment trial verdict visit vote war withdrawal \
    wedding blaze eruption quake killing robbery cooling heating impact washing";

/// Whether a noun names something that happens.
pub fn is_event(lower: &str) -> bool {
    let known = |word: &str| EVENT_NOUNS.contains(word);
    known(lower)
        || lower.strip_suffix('s').is_some_and(known)
        || ["tion", "sion", "ment", "ing"]
            .iter()
            .any(|suffix| lower.len() > suffix.len() + 3 && lower.ends_with(suffix))
}

static EVENT_NOUNS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| EVENTS.split_whitespace().collect());

/// Whether a word is an adjective by its ending, or one of the short ones.
pub fn is_adjective(lower: &str) -> bool {
    const ENDINGS: &[&str] =
        &["ic", "al", "ous", "ful", "ive", "less", "ish", "ent", "ant", "able", "ible", "ed", "ing", "y"];
    const SHORT: &[&str] = &[
        "big", "small", "large", "loud", "sharp", "dull", "hot", "cold", "warm", "cool", "bad", "good", "new", "old",
        "high", "low", "deep", "long", "short", "strong", "weak", "hard", "soft", "dark", "bright", "slow", "fast",
        "great", "severe", "rare", "wide",
    ];
    SHORT.contains(&lower) || lower.len() > 4 && ENDINGS.iter().any(|ending| lower.ends_with(ending))
}

/// Whether a word is an irregular participle, which can stand before a noun: "lost production".
pub fn is_participle(lower: &str) -> bool {
    const PARTICIPLES: &[&str] = &[
        "lost",
        "broken",
        "hidden",
        "sold",
        "written",
        "spoken",
        "known",
        "frozen",
        "stolen",
        "torn",
        "worn",
        "driven",
        "taken",
        "given",
        "built",
        "bought",
        "held",
        "paid",
        "chosen",
        "drawn",
        "grown",
        "thrown",
        "shown",
        "improved",
        "increased",
        "decreased",
        "reduced",
        "required",
        "expected",
        "reported",
        "caused",
        "continued",
    ];
    PARTICIPLES.contains(&lower)
}

/// Whether a noun only says that something changed.
pub fn is_change(lower: &str) -> bool {
    const CHANGES: &[&str] = &[
        "increase",
        "decrease",
        "decline",
        "rise",
        "fall",
        "drop",
        "growth",
        "reduction",
        "change",
        "improvement",
        "expansion",
        "gain",
        "jump",
        "surge",
        "slump",
        "shift",
        "deterioration",
        "slowdown",
        "recovery",
        "weakness",
        "strength",
        "interest",
        "investment",
        "difference",
        "variation",
        "fluctuation",
        "shortage",
        "excess",
        "savings",
    ];
    CHANGES.contains(&lower) || lower.strip_suffix('s').is_some_and(|stem| CHANGES.contains(&stem))
}

/// Whether a word writes an amount or a unit of one.
pub fn is_amount(lower: &str) -> bool {
    const UNITS: &[&str] = &[
        "million", "billion", "trillion", "thousand", "hundred", "percent", "points", "times", "cents", "dollars",
        "basis",
    ];
    UNITS.contains(&lower)
        || lower.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '$' | '\u{20ac}' | '\u{a3}'))
}

/// Whether a noun names money that comes in or goes out.
pub fn is_money(lower: &str) -> bool {
    const MONEY: &[&str] =
        &["revenue", "income", "sale", "earning", "profit", "cost", "expense", "margin", "fee", "commission"];
    MONEY.contains(&lower.strip_suffix('s').unwrap_or(lower))
}
