//! The real model, all-MiniLM-L6-v2, on real text.

mod common;

use common::{cosine, minilm, runtime};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use sutra_embedder::{EmbedderError, Encoder, Purpose};

/// One encoder for all tests of this file: loading takes a while.
fn encoder() -> MutexGuard<'static, Encoder> {
    static ENCODER: OnceLock<Mutex<Encoder>> = OnceLock::new();
    ENCODER
        .get_or_init(|| Mutex::new(Encoder::open(&minilm(), &runtime(), 1).unwrap()))
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

fn embed(texts: &[&str]) -> Vec<Vec<f32>> {
    encoder().encode(texts, Purpose::Passage, &mut || true).unwrap()
}

#[test]
fn vectors_are_those_of_onnx_runtime_driven_from_python() {
    // Every 24th value of the vectors that Python's onnxruntime 1.32.0 and tokenizers 0.23.3 make of these texts.
    let known: [(&str, [f32; 16]); 2] = [
        (
            "Apple Inc (AAPL) closed at 180.99 USD on 2025-11-06.",
            [
                -0.011641, 0.047387, 0.060971, 0.054146, -0.023413, -0.013294, 0.080738, -0.039993, -0.210388,
                0.015713, 0.02882, 0.077353, -0.015905, -0.085998, -0.052984, -0.02925,
            ],
        ),
        (
            "Déjà vu 😀 in Zürich",
            [
                -0.023885, 0.06474, -0.033799, -0.035719, 0.017321, 0.045882, 0.016356, 0.031376, -0.024581, -0.034503,
                0.107144, -0.099037, -0.021497, 0.009599, -0.008217, 0.046697,
            ],
        ),
    ];
    for (text, expected) in known {
        let vector = &embed(&[text])[0];
        assert_eq!(vector.len(), 384);
        for (value, expected) in vector.iter().step_by(24).zip(expected) {
            assert!((value - expected).abs() < 1e-4, "{text}: {value} is not {expected}");
        }
    }
}

#[test]
fn a_vector_depends_neither_on_its_batch_nor_on_the_order() {
    let words = "the price of oil rose while shares of banks fell on news from central Europe";
    let texts: Vec<String> = (0..60).map(|n| format!("Report {n}: {}", words.repeat(n % 7 + 1))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let together = embed(&texts);
    let reversed: Vec<&str> = texts.iter().rev().copied().collect();
    for (forward, backward) in together.iter().zip(embed(&reversed).iter().rev()) {
        assert!(cosine(forward, backward) > 0.999999);
    }
    for (index, text) in texts.iter().enumerate().step_by(7) {
        let alone = &embed(&[text])[0];
        let difference = alone.iter().zip(&together[index]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference < 1e-5, "text {index} differs by {difference}");
    }
}

#[test]
fn more_threads_give_the_same_vector() {
    let text = ["Quarterly revenue grew by 12 percent to 3.4 billion dollars."];
    let mut two = Encoder::open(&minilm(), &runtime(), 2).unwrap();
    let vector = two.encode(&text, Purpose::Query, &mut || true).unwrap().remove(0);
    assert!(cosine(&vector, &embed(&text)[0]) > 0.999999);
}

#[test]
fn what_means_the_same_is_nearer() {
    let vectors = embed(&[
        "Apple's share price rose today",
        "AAPL stock went up this afternoon",
        "The recipe needs two eggs and a cup of flour",
    ]);
    let (near, far) = (cosine(&vectors[0], &vectors[1]), cosine(&vectors[0], &vectors[2]));
    assert!(near > 0.5 && far < 0.2, "near {near}, far {far}");
}

#[test]
fn vectors_have_length_one() {
    for vector in embed(&["a", "market", &"long ".repeat(1000)]) {
        let length: f32 = vector.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5);
    }
}

#[test]
fn a_text_without_a_word_is_refused_by_its_position() {
    for empty in ["", "   \t\r\n", "\0", "\u{200b}\u{feff}", "\u{1}\u{2}"] {
        let error = encoder().encode(&["word", empty], Purpose::Passage, &mut || true).unwrap_err();
        assert!(matches!(error, EmbedderError::EmptyText { index: 1 }), "{empty:?}: {error}");
    }
    assert!(encoder().encode(&[], Purpose::Passage, &mut || true).unwrap().is_empty());
}

#[test]
fn unusual_text_is_embedded() {
    let vectors = embed(&["😀", "a\0b", "日本の株価", "O'Brien \"said\" \\n", "[PAD] [SEP] [CLS]"]);
    assert!(vectors.iter().flatten().all(|value| value.is_finite()));
    assert!(cosine(&vectors[1], &embed(&["ab"])[0]) > 0.999999, "NUL is dropped");
}

#[test]
fn names_of_special_tokens_in_a_text_are_text() {
    // As control tokens they would change nothing but the number of [SEP]; as text they have words.
    let vectors = embed(&["growth [SEP] growth", "growth sep growth", "growth growth"]);
    assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[0], &vectors[2]));
}

#[test]
fn only_the_maximum_of_tokens_counts() {
    let head = "alpha beta gamma delta ".repeat(200);
    let vectors = embed(&[&head, &format!("{head}entirely different words at the end")]);
    assert_eq!(vectors[0], vectors[1]);
}

#[test]
fn a_huge_text_takes_bounded_time() {
    let texts = [
        "market ".repeat(150_000),
        "x".repeat(1 << 20),
        format!("{}end", " ".repeat(1 << 20)),
        format!("start{}", "\u{200b}".repeat(1 << 20)),
        "日".repeat(1 << 19),
    ];
    embed(&["warm"]);
    for text in &texts {
        // What is timed is the call, not the wait for another test's. Time that grew with the square of a megabyte would be hours.
        let mut encoder = encoder();
        let start = Instant::now();
        encoder.encode(&[text], Purpose::Passage, &mut || true).unwrap();
        let took = start.elapsed();
        assert!(took < Duration::from_secs(60), "{} bytes took {took:?}", text.len());
    }
}

#[test]
fn the_callback_stops_a_call_and_the_encoder_goes_on() {
    let texts = vec!["one of many texts that are embedded"; 200];
    let mut calls = 0;
    let error = encoder().encode(&texts, Purpose::Passage, &mut || {
        calls += 1;
        calls < 3
    });
    assert!(matches!(error, Err(EmbedderError::Cancelled)));
    assert_eq!(calls, 3);
    assert_eq!(embed(&["still here"])[0].len(), 384);
}

#[test]
fn the_model_takes_as_many_tokens_as_its_manifest_says() {
    encoder().check_maximum_tokens().unwrap();
}
