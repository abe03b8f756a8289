"""A fingerprint of arrays, computed where they lie: equal values have equal ones on every mesh.

    fingerprint(state)        # {'params/embedding': ['float32', [256, 16], '5a0cf17e...'], ...}
    state_fingerprint(state)  # '0f3c...': two runs that show the same hold the same bits

A leaf's words are the sum, modulo 2^32, and the exclusive or of a hash of the bits and the global
position of every element. Both are exact and do not depend on the order of their terms, so neither
on the mesh, and they need one pass over the array and no copy of it. A change of one element always
changes them; other changes of bits or positions are missed with a chance of about 2^-63.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree, UInt32

from code_ablate.identity import identity

STRIDE = 0x9E3779B1
"""2^32 over the golden ratio, a prime: axis i weighs its coordinates with STRIDE^(i+1)."""


def fingerprint(tree: PyTree[Array]) -> dict[str, list[Any]]:
    """Leaf name ('params/embedding') -> [dtype, shape, words], plain values that JSON can hold.

    Computed on the devices; two words a leaf come to the host. With several processes, all of them
    have to call this, and all get the same.
    """
    names, leaves = named_leaves(tree)
    words = jax.device_get(_words(leaves))
    return {
        name: [str(leaf.dtype), list(leaf.shape), f"{total:08x}{parity:08x}"]
        for name, leaf, (total, parity) in zip(names, leaves, words, strict=True)
    }


def state_fingerprint(tree: PyTree[Array]) -> str:
    """A short hash over names, dtypes, shapes and words of all leaves, to show to people."""
    return identity(fingerprint(tree))


def named_leaves(tree: PyTree) -> tuple[list[str], list[Any]]:
    """Names ('moments/1/mu/embedding') and leaves of a tree, in its order."""
    paths = jax.tree_util.tree_leaves_with_path(tree)
    names = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in paths]
    return names, [leaf for _, leaf in paths]


Words = tuple[UInt32[Array, ""], UInt32[Array, ""]]


@jax.jit
def _words(leaves: list[Array]) -> list[Words]:
    return [_leaf_words(leaf) for leaf in leaves]


def _leaf_words(x: Array) -> Words:
    bits = _bits(x)
    position = jnp.zeros(bits.shape, jnp.uint32)
    for axis in range(bits.ndim):
        weight = np.uint32(pow(STRIDE, axis + 1, 2**32))
        coordinate = jax.lax.broadcasted_iota(jnp.uint32, bits.shape, axis)
        position += (coordinate + np.uint32(1)) * weight
    # Hashed together, not multiplied: a sum of weighted bits would miss an even number of flipped
    # signs, whose bit stands for 2^31 whatever the weight.
    hashes = _mix(bits ^ position)
    # One reduction to two words: on CPU, XLA writes the operand of a plain integer sum out, but
    # not that of this one, which is also fifteen times as fast.
    return jax.lax.reduce(
        (hashes, hashes),
        (np.uint32(0), np.uint32(0)),
        lambda a, b: (a[0] + b[0], a[1] ^ b[1]),
        tuple(range(bits.ndim)),
    )


def _bits(x: Array) -> UInt32[Array, "..."]:
    """The bits of every element; those of 64 bits are two along a new last axis."""
    if x.dtype == jnp.bool_:
        return x.astype(jnp.uint32)
    unsigned = {1: jnp.uint8, 2: jnp.uint16}.get(x.dtype.itemsize, jnp.uint32)
    return jax.lax.bitcast_convert_type(x, unsigned).astype(jnp.uint32)


def _mix(h: UInt32[Array, "..."]) -> UInt32[Array, "..."]:
    """MurmurHash3's fmix32 (Appleby, public domain): one-to-one, and every bit stirs every bit."""
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
    h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    return h ^ (h >> np.uint32(16))
