use super::*;
use proptest::prelude::*;

const ALL: [Distance; 4] = [Distance::L2, Distance::InnerProduct, Distance::Cosine, Distance::L1];

fn vectors() -> impl Strategy<Value = (Vec<f32>, Vec<f32>)> {
    (1usize..200).prop_flat_map(|length| {
        let values = || proptest::collection::vec(-10.0f32..10.0, length);
        (values(), values())
    })
}

/// What the code of a vector, with its error as it is stored, says of the distance, and the distance itself.
fn bounds(distance: Distance, query: &[f32], vector: &[f32]) -> Option<(std::ops::RangeInclusive<f64>, f64)> {
    let coded = Coded::new(distance, vector)?;
    let prepared = Query::new(distance, query);
    let error = f32::from_bits(u32::from(crate::layout::round_up(coded.error)) << 16);
    let stored = CodeRef { error, ..coded.as_ref() };
    let between = prepared.distance(stored);
    let slack = prepared.slack(stored, between);
    let range = prepared.lower_bound(between, slack)..=prepared.upper_bound(between, slack);
    Some((range, distance.exact(query, vector)))
}

proptest! {
    #[test]
    fn every_kernel_agrees_with_the_portable_one((left, right) in vectors()) {
        let (left, right) = (Coded::new(Distance::L2, &left).unwrap(), Coded::new(Distance::L2, &right).unwrap());
        let levels: Vec<i16> = left.code.iter().map(|byte| i16::from(*byte as i8) * 16).collect();
        let values: Vec<f32> = left.code.iter().map(|byte| f32::from(*byte as i8)).collect();
        let all = supported_kernels();
        let portable = all.last().unwrap();
        for kernels in &all {
            prop_assert_eq!((kernels.dot)(&levels, &right.code), (portable.dot)(&levels, &right.code));
            prop_assert_eq!((kernels.dot_codes)(&left.code, &right.code), (portable.dot_codes)(&left.code, &right.code));
            let (fast, slow) = ((kernels.l1)(&values, &right.code, 0.5), (portable.l1)(&values, &right.code, 0.5));
            prop_assert!((fast - slow).abs() <= 1e-4 * slow.abs().max(1.0));
            let fast = (kernels.l1_codes)(&left.code, 0.25, &right.code, 0.5);
            let slow = (portable.l1_codes)(&left.code, 0.25, &right.code, 0.5);
            prop_assert!((fast - slow).abs() <= 1e-4 * slow.abs().max(1.0));
        }
    }

    #[test]
    fn the_bounds_hold_the_exact_distance((query, vector) in vectors(), exponent in -12i32..12) {
        let factor = 10f32.powi(exponent);
        let vector: Vec<f32> = vector.iter().map(|value| value * factor).collect();
        for distance in ALL {
            let Some((range, exact)) = bounds(distance, &query, &vector) else { continue };
            prop_assert!(range.contains(&exact), "{distance:?}: {exact} is not in {range:?}");
        }
    }

    #[test]
    fn the_bounds_hold_where_one_component_outweighs_all_others(
        offset in 1.0f32..1e6, query in proptest::collection::vec(-1.0f32..1.0, 1..4), step in -1e-1f32..1e-1
    ) {
        let query: Vec<f32> = std::iter::once(offset).chain(query).collect();
        let vector: Vec<f32> = std::iter::once(offset).chain(query[1..].iter().map(|value| value + step)).collect();
        for distance in ALL {
            let Some((range, exact)) = bounds(distance, &query, &vector) else { continue };
            prop_assert!(range.contains(&exact), "{distance:?}: {exact} is not in {range:?}");
        }
    }

    #[test]
    fn a_code_is_near_its_vector(vector in proptest::collection::vec(-10.0f32..10.0, 1..200)) {
        let coded = Coded::new(Distance::L2, &vector).unwrap();
        for (value, byte) in vector.iter().zip(&coded.code) {
            prop_assert!((value - f32::from(*byte as i8) * coded.scale).abs() <= coded.scale * 0.5001);
        }
    }

    #[test]
    fn a_query_made_of_a_code_compares_as_codes_do((left, right) in vectors()) {
        for distance in ALL {
            let (Some(left), Some(right)) = (Coded::new(distance, &left), Coded::new(distance, &right)) else { continue };
            let (direct, query) = (between(distance, left.as_ref(), right.as_ref()), Query::of_code(distance, left.as_ref()));
            let prepared = query.distance(right.as_ref());
            prop_assert!((direct - prepared).abs() <= 1e-4 * direct.abs().max(1.0));
        }
    }
}

#[test]
fn a_zero_vector_has_no_cosine_code() {
    assert_eq!(Coded::new(Distance::Cosine, &[0.0, 0.0]), None);
    assert_eq!(Coded::new(Distance::L2, &[0.0, 0.0]).unwrap().code, vec![0, 0]);
}

#[test]
fn the_largest_query_of_the_largest_index_does_not_overflow() {
    let dimensions = crate::layout::Layout::max_dimensions(2);
    for kernels in supported_kernels() {
        let dot = (kernels.dot)(&vec![2047; dimensions], &vec![127; dimensions]);
        assert_eq!(i64::from(dot), 2047 * 127 * dimensions as i64);
    }
}
