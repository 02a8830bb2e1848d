use super::*;
use rand::{Rng, SeedableRng};

fn coded(distance: Distance, count: usize, dimensions: usize) -> Vec<(Coded, u8)> {
    let mut random = rand::rngs::StdRng::seed_from_u64(7);
    (0..count)
        .map(|_| {
            let vector: Vec<f32> = (0..dimensions).map(|_| random.random_range(-1.0..1.0)).collect();
            let level = (-(1.0 - random.random_range(0.0..1.0f64)).ln() / 4f64.ln()) as u8;
            (Coded::new(distance, &vector).unwrap(), level)
        })
        .collect()
}

#[test]
fn every_node_is_reachable_whatever_the_distance() {
    for distance in [Distance::L2, Distance::InnerProduct, Distance::Cosine, Distance::L1] {
        let codes = coded(distance, 2000, 8);
        let mut builder = Builder::new(Layout::new(8, 4).unwrap(), distance, 16, 2).unwrap();
        codes.chunks(300).for_each(|batch| builder.add(batch));
        let (graph, _) = builder.finish();
        assert_eq!((graph.len(), graph.walk().len()), (codes.len(), codes.len()), "{distance:?}");
        let mut order = graph.in_runs(7);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..codes.len() as u32), "every node has one place");
        let highest = codes.iter().map(|(_, level)| *level).max().unwrap();
        assert_eq!(graph.entry().unwrap().level, highest);
        for (node, (coded, level)) in (0u32..).zip(&codes) {
            assert_eq!((graph.code(node).code, graph.level(node)), (&coded.code[..], *level));
            for on in 0..=*level {
                let links = graph.links(node, on);
                assert!(links.len() <= if on == 0 { 8 } else { 4 });
                assert!(links.iter().all(|link| *link != node && graph.level(*link) >= on));
                let distinct: std::collections::HashSet<u32> = links.iter().copied().collect();
                assert_eq!(distinct.len(), links.len());
            }
        }
    }
}

#[test]
fn one_thread_builds_the_same_graph_every_time() {
    let codes = coded(Distance::L2, 500, 8);
    let build = || {
        let mut builder = Builder::new(Layout::new(8, 4).unwrap(), Distance::L2, 16, 1).unwrap();
        codes.chunks(100).for_each(|batch| builder.add(batch));
        let (graph, _) = builder.finish();
        (0..500).map(|node| graph.links(node, 0)).collect::<Vec<_>>()
    };
    assert_eq!(build(), build());
}

#[test]
fn interrupts_are_served_and_lose_no_node() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    static SERVED: AtomicUsize = AtomicUsize::new(0);
    let interrupts = Interrupts {
        // Now and then, and from some point on always: what stays pending must not stop the build either.
        pending: || {
            let asked = ASKED.fetch_add(1, Ordering::Relaxed);
            asked % 10 == 3 || asked > 1000
        },
        serve: || {
            SERVED.fetch_add(1, Ordering::Relaxed);
        },
    };
    let codes = coded(Distance::L2, 2000, 8);
    let mut builder =
        Builder::new(Layout::new(8, 4).unwrap(), Distance::L2, 16, 2).unwrap().with_interrupts(interrupts);
    codes.chunks(100).for_each(|batch| builder.add(batch));
    let (graph, _) = builder.finish();
    assert_eq!((graph.len(), graph.walk().len()), (2000, 2000));
    assert!(SERVED.load(Ordering::Relaxed) > 20);
}

#[test]
fn an_interrupt_stops_a_batch_at_once() {
    let codes = coded(Distance::L2, 1000, 8);
    let mut builder = Builder::new(Layout::new(8, 4).unwrap(), Distance::L2, 16, 1)
        .unwrap()
        .with_interrupts(Interrupts { pending: || true, serve: || panic!("cancelled") });
    let cancelled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| builder.add(&codes)));
    assert!(cancelled.is_err());
    assert!((0..1000).all(|node| builder.graph.links(node, 0).is_empty()), "a node was linked after the cancel");
}

#[test]
fn an_empty_graph_has_no_nodes() {
    let builder = Builder::new(Layout::new(8, 4).unwrap(), Distance::L2, 16, 1).unwrap();
    assert!(builder.is_empty());
    let (graph, relinked) = builder.finish();
    assert!(graph.is_empty() && graph.walk().is_empty() && graph.entry().is_none() && relinked == 0);
}
