//! Scalar quantisation: one signed byte per dimension, a scale per vector, and bounds that say how far it may be off.
//!
//! `code[i] = round(v[i] / scale)`, `scale = max |v[i]| / 127`. No training: an index built on an empty table is as good as any.

mod kernels;

pub use kernels::{CodeKernels, kernels as code_kernels, prefetch, supported as supported_kernels};

/// What the operator class orders by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Distance {
    /// Euclidean distance; compared by its square.
    L2 = 1,
    /// Negative inner product.
    InnerProduct = 2,
    /// One minus the cosine; vectors are stored normalised and compared by their inner product.
    Cosine = 3,
    /// Taxicab distance.
    L1 = 4,
}

impl Distance {
    /// The distance with this number, as stored in the meta page.
    pub fn from_number(number: u8) -> Option<Distance> {
        [Distance::L2, Distance::InnerProduct, Distance::Cosine, Distance::L1]
            .into_iter()
            .find(|distance| *distance as u8 == number)
    }

    /// The exact value that rows are ordered by; smaller is nearer.
    ///
    /// L2 gives the squared distance, the others the value of their operator. The cosine with a zero vector is NaN and sorts last.
    pub fn exact(self, query: &[f32], vector: &[f32]) -> f64 {
        match self {
            Distance::L2 => f64::from(crate::kernels::l2_squared(query, vector)),
            Distance::InnerProduct => -f64::from(crate::kernels::inner_product(query, vector)),
            Distance::Cosine => crate::kernels::cosine_distance(query, vector),
            Distance::L1 => f64::from(crate::kernels::l1(query, vector)),
        }
    }
}

/// A code with what is needed to compare it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CodeRef<'a> {
    /// Factor that turns the code into the vector.
    pub scale: f32,
    /// Squared norm of the reconstructed vector.
    pub norm: f32,
    /// Upper bound of the distance between vector and reconstruction (in the L1 norm for L1, else Euclidean).
    pub error: f32,
    /// Hash of the exact vector.
    pub hash: u32,
    /// One signed byte per dimension.
    pub code: &'a [u8],
}

impl CodeRef<'_> {
    /// Whether both stand for the same vector.
    pub fn is_same(&self, other: &CodeRef<'_>) -> bool {
        self.hash == other.hash && self.scale.to_bits() == other.scale.to_bits() && self.code == other.code
    }
}

/// A vector turned into a code.
#[derive(Clone, Debug, PartialEq)]
pub struct Coded {
    /// See [`CodeRef::scale`].
    pub scale: f32,
    /// See [`CodeRef::norm`].
    pub norm: f32,
    /// See [`CodeRef::error`].
    pub error: f32,
    /// See [`CodeRef::hash`].
    pub hash: u32,
    /// See [`CodeRef::code`].
    pub code: Vec<u8>,
}

impl Coded {
    /// Encodes `vector`, or returns None where it cannot stand in the index: the zero vector has no direction, so cosine leaves it out.
    pub fn new(distance: Distance, vector: &[f32]) -> Option<Coded> {
        let hash = hash(vector);
        if distance != Distance::Cosine {
            return Some(Self::encode(distance, vector, hash));
        }
        let norm = vector.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        if norm == 0.0 {
            return None;
        }
        let normalised: Vec<f32> = vector.iter().map(|value| (f64::from(*value) / norm) as f32).collect();
        Some(Self::encode(distance, &normalised, hash))
    }

    fn encode(distance: Distance, vector: &[f32], hash: u32) -> Coded {
        let largest = vector.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        let scale = largest / 127.0;
        let inverse = if scale > 0.0 { 1.0 / f64::from(scale) } else { 0.0 };
        let (mut squares, mut error_squares, mut error_sum) = (0.0f64, 0.0f64, 0.0f64);
        let code = vector
            .iter()
            .map(|value| {
                let level = (f64::from(*value) * inverse).round().clamp(-127.0, 127.0);
                let reconstructed = level * f64::from(scale);
                let difference = f64::from(*value) - reconstructed;
                squares += reconstructed * reconstructed;
                error_squares += difference * difference;
                error_sum += difference.abs();
                level as i8 as u8
            })
            .collect();
        let error = if distance == Distance::L1 { error_sum } else { error_squares.sqrt() };
        Coded { scale, norm: squares as f32, error: error as f32, hash, code }
    }

    /// The same, borrowed.
    pub fn as_ref(&self) -> CodeRef<'_> {
        CodeRef { scale: self.scale, norm: self.norm, error: self.error, hash: self.hash, code: &self.code }
    }
}

/// A hash of the bits of a vector; equal vectors have equal hashes.
pub fn hash(vector: &[f32]) -> u32 {
    let mixed = vector.iter().fold(0x9e37_79b9_7f4a_7c15u64, |state, value| {
        let state = (state ^ u64::from(value.to_bits())).wrapping_mul(0xff51_afd7_ed55_8ccd);
        state ^ (state >> 32)
    });
    (mixed ^ (mixed >> 29)) as u32
}

/// The distance between two reconstructed vectors: squared for L2, the negative inner product for inner product and cosine.
#[inline]
pub fn between(distance: Distance, left: CodeRef<'_>, right: CodeRef<'_>) -> f32 {
    let kernels = kernels::kernels();
    match distance {
        Distance::L1 => (kernels.l1_codes)(left.code, left.scale, right.code, right.scale),
        _ => {
            let dot = f64::from((kernels.dot_codes)(left.code, right.code));
            combine(distance, dot * f64::from(left.scale) * f64::from(right.scale), left.norm, right.norm)
        }
    }
}

#[inline]
fn combine(distance: Distance, dot: f64, left_norm: f32, right_norm: f32) -> f32 {
    match distance {
        Distance::L2 => (f64::from(left_norm) + f64::from(right_norm) - 2.0 * dot).max(0.0) as f32,
        _ => -dot as f32,
    }
}

/// How far a squared distance may be off because both squared norms have single precision (2^-24 of each), with room to spare.
const NORM_ERROR: f32 = 1.2e-7;

/// The most that the root of a value near `square` differs from the root of `square`, when the value is at most `error` off.
#[inline]
fn root_error(square: f32, error: f32) -> f32 {
    let most = if square > error { error / square.sqrt() } else { error.sqrt() };
    if most.is_nan() { f32::INFINITY } else { most }
}

/// Half of the levels of a query's component: 12 bits, so that sums of products fit 32 bits for any number of dimensions of a page.
const QUERY_LEVELS: f32 = 2047.0;

/// Added to a small number it leaves no room for a fraction, and the integer stands in the lowest bits: rounding without a call.
const WHOLE: f64 = (3u64 << 51) as f64;

/// `value` as an integer, plus [`WHOLE`]; ties go to the even one.
#[inline]
fn nearest(value: f64) -> f64 {
    value + WHOLE
}

/// The sum of `term` over all elements, in eight sums at a time that do not wait for each other.
#[inline]
fn sum(vector: &[f32], term: impl Fn(f32) -> f64) -> f64 {
    let (blocks, rest) = vector.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for block in blocks {
        for (sum, value) in sums.iter_mut().zip(block) {
            *sum += term(*value);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|value| term(*value)).sum::<f64>()
}

/// A vector to compare codes with.
#[derive(Clone, Debug)]
pub struct Query {
    distance: Distance,
    levels: Vec<i16>,
    scale: f32,
    /// Squared norm of the reconstruction of the query.
    norm: f32,
    /// Norm of the query itself.
    length: f32,
    /// Distance between the query and its reconstruction.
    error: f32,
    /// The vector that codes are compared with, which for L1 is not rounded.
    values: Vec<f32>,
}

impl Query {
    /// Prepares `vector`. The zero vector is as far from every vector under cosine.
    pub fn new(distance: Distance, vector: &[f32]) -> Query {
        let length = sum(vector, |value| f64::from(value).powi(2)).sqrt();
        let factor = if distance == Distance::Cosine && length > 0.0 { 1.0 / length } else { 1.0 };
        let values: Vec<f32> = vector.iter().map(|value| (f64::from(*value) * factor) as f32).collect();
        let largest =
            values.iter().fold(0.0f32, |largest, value| if value.abs() > largest { value.abs() } else { largest });
        let scale = largest / QUERY_LEVELS;
        let inverse = if scale > 0.0 { 1.0 / f64::from(scale) } else { 0.0 };
        // A scale near the smallest number of its type may be rounded to much less than it is.
        let level = |value: f32| nearest((f64::from(value) * inverse).clamp(-2047.0, 2047.0));
        let reconstructed = |value: f32| (level(value) - WHOLE) * f64::from(scale);
        let levels = values.iter().map(|value| level(*value).to_bits() as i16).collect();
        let norm = sum(&values, |value| reconstructed(value).powi(2)) as f32;
        let error = sum(&values, |value| (f64::from(value) - reconstructed(value)).powi(2)).sqrt() as f32;
        Query { distance, levels, scale, norm, length: (length * factor) as f32, error, values }
    }

    /// A query that compares exactly as [`between`] does with `code`: what inserts search with.
    pub fn of_code(distance: Distance, code: CodeRef<'_>) -> Query {
        let values = if distance == Distance::L1 {
            code.code.iter().map(|level| f32::from(*level as i8) * code.scale).collect()
        } else {
            Vec::new()
        };
        Query {
            distance,
            levels: code.code.iter().map(|level| i16::from(*level as i8)).collect(),
            scale: code.scale,
            norm: code.norm,
            length: code.norm.sqrt(),
            error: 0.0,
            values,
        }
    }

    /// The distance that the query orders by.
    pub fn kind(&self) -> Distance {
        self.distance
    }

    /// The distance to a reconstructed vector, in the units of [`between`].
    #[inline]
    pub fn distance(&self, code: CodeRef<'_>) -> f32 {
        let kernels = kernels::kernels();
        match self.distance {
            Distance::L1 => (kernels.l1)(&self.values, code.code, code.scale),
            _ => {
                let dot = f64::from((kernels.dot)(&self.levels, code.code));
                combine(self.distance, dot * f64::from(self.scale) * f64::from(code.scale), self.norm, code.norm)
            }
        }
    }

    /// How far the exact distance may be from the reconstructed one, `distance`, before squaring.
    #[inline]
    pub fn slack(&self, code: CodeRef<'_>, distance: f32) -> f32 {
        match self.distance {
            Distance::L2 => {
                let rounded = root_error(distance, NORM_ERROR * (self.norm + code.norm) + f32::MIN_POSITIVE);
                code.error + self.error + 1e-6 * (self.length + code.norm.sqrt()) + rounded
            }
            Distance::L1 => code.error * 1.00001,
            Distance::InnerProduct | Distance::Cosine => {
                let norm = code.norm.sqrt();
                self.length * code.error + self.error * norm + 1e-5 * self.length * (norm + code.error) + 1e-6
            }
        }
    }

    /// The least value that [`Distance::exact`] can have for a vector whose code is at `distance` with this slack.
    pub fn lower_bound(&self, distance: f32, slack: f32) -> f64 {
        let (distance, slack) = (f64::from(distance), f64::from(slack));
        match self.distance {
            Distance::L2 => (distance.sqrt() - slack).max(0.0).powi(2) * 0.99999,
            Distance::L1 => distance * 0.99999 - slack,
            Distance::InnerProduct => distance - slack,
            Distance::Cosine => 1.0 + distance - slack,
        }
    }

    /// The largest value that [`Distance::exact`] can have for a vector whose code is at `distance` with this slack.
    pub fn upper_bound(&self, distance: f32, slack: f32) -> f64 {
        let (distance, slack) = (f64::from(distance), f64::from(slack));
        match self.distance {
            Distance::L2 => (distance.sqrt() + slack).powi(2) * 1.00001,
            Distance::L1 => distance * 1.00001 + slack,
            Distance::InnerProduct => distance + slack,
            Distance::Cosine => 1.0 + distance + slack,
        }
    }
}

#[cfg(test)]
mod tests;
