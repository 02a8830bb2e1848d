use super::*;
use rand::{Rng, SeedableRng};

fn coded(distance: Distance, count: usize, dimensions: usize) -> Vec<Coded> {
    let mut random = rand::rngs::StdRng::seed_from_u64(7);
    (0..count)
        .map(|_| {
            let vector: Vec<f32> = (0..dimensions).map(|_| random.random_range(-1.0..1.0)).collect();
            Coded::new(distance, &vector).unwrap()
        })
        .collect()
}

#[test]
fn every_node_is_reachable_whatever_the_distance() {
    for distance in [Distance::L2, Distance::InnerProduct, Distance::Cosine, Distance::L1] {
        let codes = coded(distance, 2000, 8);
        let mut builder = Builder::new(distance, 4, 16, 12, 2).unwrap();
        codes.chunks(300).for_each(|batch| builder.add(batch));
        let built = builder.finish();
        let graph = &built.graph;
        for (node, coded) in codes.iter().enumerate() {
            assert_eq!(built.code(node).code, coded.code);
        }
        assert_eq!(graph.nodes.len(), codes.len());
        assert_eq!(graph.walk().len(), codes.len(), "{distance:?}");
        for (number, node) in graph.nodes.iter().enumerate() {
            for (level, links) in node.links.iter().enumerate() {
                assert!(links.len() <= if level == 0 { 8 } else { 4 });
                for link in links {
                    assert_ne!(*link as usize, number);
                    assert!(usize::from(graph.nodes[*link as usize].level()) >= level);
                }
            }
        }
    }
}

#[test]
fn a_node_that_nothing_links_to_is_linked() {
    let node = |links: &[u32]| BuiltNode { links: vec![links.to_vec()] };
    let mut graph = Graph { nodes: vec![node(&[1]), node(&[0]), node(&[0]), node(&[2])], entry: 0, relinked: 0 };
    graph.connect(2);
    assert_eq!(graph.walk().len(), 4);
}

#[test]
fn an_empty_graph_has_no_nodes() {
    let graph = Builder::new(Distance::L2, 4, 16, 12, 1).unwrap().finish().graph;
    assert!(graph.nodes.is_empty() && graph.walk().is_empty());
}
