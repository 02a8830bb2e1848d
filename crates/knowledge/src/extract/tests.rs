use super::*;
use proptest::prelude::*;

fn stated(text: &str) -> Vec<(String, &'static str, String)> {
    extract(text).into_iter().map(|found| (found.source, found.relation, found.target)).collect()
}

#[track_caller]
fn states(text: &str, source: &str, relation: &str, target: &str) {
    let found = stated(text);
    assert!(
        found.iter().any(|(from, name, to)| from == source && *name == relation && to == target),
        "{text:?} should state {source:?} {relation} {target:?}, found {found:?}"
    );
}

#[track_caller]
fn states_no(text: &str, relation: &str) {
    let found = stated(text);
    assert!(found.iter().all(|(_, name, _)| *name != relation), "{text:?}: {found:?}");
}

#[test]
fn cause_and_effect_in_either_voice_and_order() {
    for text in [
        "Heavy rain caused severe flooding.",
        "Severe flooding was caused by heavy rain.",
        "The severe flooding, caused by heavy rain, lasted for days.",
        "Heavy rain led to severe flooding.",
        "Heavy rain resulted in severe flooding in the valley.",
        "Severe flooding resulted from heavy rain.",
        "Severe flooding arose from heavy rain.",
        "Severe flooding was due to heavy rain.",
        "Heavy rain was the main cause of severe flooding.",
        "The main cause of severe flooding was heavy rain.",
        "Severe flooding was a consequence of heavy rain.",
        "Heavy rain that triggered severe flooding fell for a week.",
        "Heavy rain has since provoked severe flooding.",
        "Heavy rain was responsible for severe flooding.",
        "Heavy rain gave rise to severe flooding.",
        "Severe flooding is attributed to heavy rain.",
    ] {
        let found = extract(text);
        let right = found.iter().find(|found| {
            found.kind == "causal"
                && found.source.to_lowercase().contains("heavy rain")
                && found.target.to_lowercase().contains("severe flooding")
        });
        assert!(right.is_some(), "{text}: {found:?}");
        assert_eq!(
            found.iter().filter(|found| found.target.to_lowercase().contains("rain")).count(),
            0,
            "{text}: {found:?}"
        );
    }
}

#[test]
fn a_word_of_cause_repeated_in_an_enumeration_is_no_part_of_it() {
    for again in ["due to", "attributable to", "owing to", "thanks to"] {
        let text = format!("Margins fell because of lower prices and {again} weaker demand.");
        states(&text, "weaker demand", "causes", "Margins fell");
        states(&text, "lower prices", "causes", "Margins fell");
    }
    let found = stated("Profits rose because of due diligence.");
    assert!(found.iter().any(|(source, ..)| source == "due diligence"), "{found:?}");
}

#[test]
fn a_day_is_no_cause() {
    for text in ["The increase in revenue to December 31 was caused by March.", "Revenue rose because of May 31, 2019."]
    {
        assert_eq!(stated(text), []);
    }
}

#[test]
fn clauses_are_causes_and_effects_too() {
    states(
        "Revenue increased 12% because of strong demand for tablets.",
        "strong demand",
        "causes",
        "Revenue increased 12%",
    );
    states("Shares fell because demand for memory was weak.", "demand for memory was weak", "causes", "Shares fell");
    states("Due to the strike, output dropped sharply.", "strike", "causes", "output dropped sharply");
    states("The growth was driven by cloud sales.", "cloud sales", "causes", "growth");
}

#[test]
fn amounts_cause_nothing_and_times_are_no_effects() {
    for text in [
        "Revenues from cloud services increased by 13% in fiscal 2019.",
        "Net income attributable to common shareholders rose.",
        "The charge was $2 million in fiscal 2018.",
    ] {
        states_no(text, "causes");
    }
    states(
        "The decrease in margin was due to an increase in freight rates.",
        "increase in freight rates",
        "causes",
        "decrease in margin",
    );
    states("Storm 3 caused delay 2.", "Storm 3", "causes", "delay 2");
    assert!(extract("The increase was due to higher prices.")[0].is_vague());
}

#[test]
fn members_of_an_enumeration_are_told_apart() {
    let found = stated("Dust and smoke cause coughing, headaches and nausea.");
    assert_eq!(found.len(), 6, "{found:?}");
    states("Dust and smoke cause coughing, headaches and nausea.", "smoke", "causes", "nausea");
}

#[test]
fn what_is_denied_or_asked_is_not_stated() {
    for text in [
        "The delay was not caused by the storm.",
        "Smoking never causes this disease.",
        "What caused the delay?",
        "Did the storm cause the delay?",
        "The cause of the fire is unknown.",
        "They fought for a good cause.",
    ] {
        states_no(text, "causes");
    }
}

#[test]
fn a_hedge_lowers_the_confidence() {
    let sure = |text: &str| extract(text)[0].confidence;
    assert!(sure("The storm may cause delays.") < sure("The storm caused delays."));
}

#[test]
fn definitions() {
    states("EBITDA means earnings before interest.", "EBITDA", "is a", "earnings");
    states("A blister is a pocket of fluid under the skin.", "blister", "is a", "pocket of fluid");
    states("Apple Inc. is a technology company based in Cupertino.", "Apple Inc.", "is a", "technology company");
    states("Nvidia, a maker of graphics chips, rose.", "Nvidia", "is a", "maker of graphics chips");
    for text in
        ["It is a pity.", "The rain is a cause of flooding.", "This is not a company.", "Cats and dogs are a nuisance."]
    {
        states_no(text, "is a");
    }
}

#[test]
fn relations_between_companies_have_a_direction() {
    for text in [
        "Apple acquired Beats for three billion dollars.",
        "Beats was acquired by Apple in 2014.",
        "Apple's acquisition of Beats closed in August.",
        "The acquisition of Beats by Apple closed.",
        "Apple bought Beats.",
    ] {
        states(text, "Apple", "acquires", "Beats");
    }
    states("Alphabet owns Google and Waymo.", "Alphabet", "owns", "Waymo");
    states("Waymo is a subsidiary of Alphabet.", "Alphabet", "owns", "Waymo");
    states("Waymo, a subsidiary of Alphabet, expanded.", "Alphabet", "owns", "Waymo");
    states("Foxconn supplies Apple.", "Foxconn", "supplies", "Apple");
    states("Foxconn supplies parts to Apple.", "Foxconn", "supplies", "Apple");
    states("Apple is a customer of Foxconn.", "Foxconn", "supplies", "Apple");
    states("Apple's supplier Foxconn hired workers.", "Foxconn", "supplies", "Apple");
    states("Pepsi competes with Coca-Cola.", "Pepsi", "competes with", "Coca-Cola");
    states("Apple's competitors include Samsung and Google.", "Google", "competes with", "Apple");
    states("Phillips 66 (PSX) owns Beats.", "Phillips 66", "owns", "Beats");
    states_no("Apple did not acquire Disney.", "acquires");
    states_no("Apple acquired new skills.", "acquires");
}

#[test]
fn spans_point_into_the_text() {
    let text = "Späte Züge. Der Ärger: heavy snow caused late trains. Next.";
    for found in extract(text) {
        assert_eq!(&text[found.source_range.clone()], found.source);
        assert_eq!(&text[found.target_range.clone()], found.target);
        assert!(found.span.start <= found.source_range.start && found.target_range.end <= found.span.end);
    }
    assert_eq!(extract(text).len(), 1);
}

#[test]
fn tables_state_nothing() {
    assert!(extract("| storm | caused | delay |\n| fire | caused | loss |").is_empty());
}

proptest! {
    #[test]
    fn any_text_is_safe(text in ".*") {
        extract(&text);
    }

    #[test]
    fn any_row_of_words_is_safe(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "the", "a", "storm", "caused", "by", "because", "of", "due", "to", "and", ",", ".", "damage", "is", "was", "which",
            "that", "from", "after", "cause", "Apple", "acquired", "Beats", "'s", "subsidiary", "(", ")", "not", "causing", "led",
            "in", "result", "one", "no", "such", "as", "own", "-", "stress-induced", "competes", "with", "may", "é",
        ]), 0..30)) {
        let text = words.join(" ");
        for found in extract(&text) {
            prop_assert!(found.confidence > 0.0 && found.confidence <= 1.0);
            prop_assert!(!found.source.is_empty() && !found.target.is_empty());
            prop_assert!(found.source_range.end <= found.target_range.start || found.target_range.end <= found.source_range.start);
        }
    }
}
