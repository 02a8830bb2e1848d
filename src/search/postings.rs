//! The text part: the terms of the query, and the BM25 score of every statement that holds one.

use super::{Request, allocated, failed};
use crate::prepared;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use sutra_knowledge::ranking::bm25::{Collection, Parameters, Posting, Scorer};

/// Terms beyond these are not looked up; a query has a handful, a page given as a query some hundreds.
const MAXIMUM_TERMS: i64 = 256;

/// Scores the statements of the space that hold a term of the query.
pub fn search(request: &Request) -> Scorer {
    Spi::connect(|client| {
        let select = |sql: &'static str, arguments: &[DatumWithOid<'_>]| {
            failed(client.select(&*failed(prepared::reading(client, sql, arguments)), None, arguments))
        };
        let terms: Vec<String> = select(
            "SELECT t.lexeme
             FROM pg_catalog.unnest(pg_catalog.to_tsvector('pg_catalog.english', $1)) AS t
             ORDER BY t.positions[1], t.lexeme COLLATE \"C\"
             LIMIT $2",
            &[words(&request.query).into(), MAXIMUM_TERMS.into()],
        )
        .filter_map(|row| failed(row.get::<String>(1)))
        .collect();

        let collection = failed(
            select(
                "SELECT pg_catalog.sum(p.documents)::pg_catalog.int8, pg_catalog.sum(p.words)::pg_catalog.int8
                 FROM sutra.posting AS p
                 WHERE p.space OPERATOR(pg_catalog.=) $1 AND p.term OPERATOR(pg_catalog.=) ''",
                &[request.space.as_str().into()],
            )
            .first()
            .get_two::<i64, i64>(),
        );
        let documents = collection.0.unwrap_or(0).max(0) as u64;
        let mean_length = collection.1.unwrap_or(0) as f64 / documents.max(1) as f64;
        let mut scorer = Scorer::new(Parameters::default(), Collection { documents, mean_length });
        for term in &terms {
            let mut blocks = select(
                "SELECT p.documents, p.concepts, p.frequencies, p.lengths
                 FROM sutra.posting AS p
                 WHERE p.space OPERATOR(pg_catalog.=) $1 AND p.term OPERATOR(pg_catalog.=) $2",
                &[request.space.as_str().into(), term.as_str().into()],
            );
            let mut holding = 0i64;
            while blocks.next().is_some() {
                holding += i64::from(failed(blocks.get::<i32>(1)).unwrap_or(0));
            }
            let weight = scorer.term(holding.max(0) as u64);
            if holding > 0 {
                blocks = blocks.rewind();
                while blocks.next().is_some() {
                    check_for_interrupts!();
                    let [concepts, frequencies, lengths] =
                        [2, 3, 4].map(|column| Array::detoast(failed(blocks.get_datum_by_ordinal(column))));
                    // SAFETY: the columns are concept_id[], smallint[] and integer[], with elements of eight bytes by
                    // value, two and four.
                    let (concepts, frequencies, lengths) = unsafe {
                        (concepts.elements::<u64>(), frequencies.elements::<i16>(), lengths.elements::<i32>())
                    };
                    let postings =
                        concepts.iter().zip(frequencies).zip(lengths).map(|((document, frequency), length)| Posting {
                            document: *document,
                            frequency: *frequency,
                            length: *length,
                        });
                    allocated(scorer.add(weight, postings));
                }
            }
            // SAFETY: the blocks of this term are not used any more; a long query would otherwise keep those of all.
            unsafe { pg_sys::SPI_freetuptable(pg_sys::SPI_tuptable) };
        }
        scorer
    })
}

/// The query without words that no lexeme is made of: PostgreSQL would skip them too, but with a NOTICE for each.
fn words(query: &str) -> String {
    const MAXIMUM_WORD: usize = 2_046;
    query.split_whitespace().filter(|word| word.len() <= MAXIMUM_WORD).collect::<Vec<_>>().join(" ")
}

/// An array column of a row, detoasted for as long as this value lives.
struct Array {
    datum: Option<pg_sys::Datum>,
    array: *mut pg_sys::ArrayType,
}

impl Array {
    fn detoast(datum: Option<pg_sys::Datum>) -> Self {
        let array = match datum {
            // SAFETY: the datum comes from a column of an array type.
            Some(datum) => unsafe { pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast() },
            None => std::ptr::null_mut(),
        };
        Array { datum, array }
    }

    /// The elements; none for anything that is not one-dimensional and without nulls.
    ///
    /// # Safety
    /// The elements are of fixed width, aligned to it, and their bytes are those of a `T`.
    unsafe fn elements<T>(&self) -> &[T] {
        const DIMENSIONS: usize = size_of::<pg_sys::ArrayType>();
        const ELEMENTS: usize = (DIMENSIONS + 2 * size_of::<i32>()).next_multiple_of(8);
        // SAFETY: after the header of an array of one dimension stand its length and its lower bound, and, when it
        // has no nulls, the elements at the next multiple of eight; a detoasted array is aligned for its elements.
        unsafe {
            if self.array.is_null() || (*self.array).ndim != 1 || (*self.array).dataoffset != 0 {
                return &[];
            }
            let array = self.array.cast::<u8>();
            let length = *array.add(DIMENSIONS).cast::<i32>();
            std::slice::from_raw_parts(array.add(ELEMENTS).cast(), length.max(0) as usize)
        }
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        if self.datum.is_some_and(|datum| datum.cast_mut_ptr() != self.array) {
            // SAFETY: detoasting made a copy in the current memory context, which only this value knows.
            unsafe { pg_sys::pfree(self.array.cast()) };
        }
    }
}
