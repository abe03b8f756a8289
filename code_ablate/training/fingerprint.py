"""A fingerprint of arrays, computed where they lie: equal values have equal ones on every mesh.

    fingerprint(state)        # {'params/embedding': ['float32', [256, 16], 2882400001], ...}
    state_fingerprint(state)  # '0f3c...': two runs that show the same hold the same bits

A leaf's word is the sum, modulo 2^32, of a hash of the bits and the global position of every
element. Such a sum does not depend on the order of its terms, so neither on the mesh, and it needs
one pass over the array and no copy of it. A change of one element always changes the word; any
other change of bits or positions is missed with a chance of about 2^-32.
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
    """Leaf name ('params/embedding') -> [dtype, shape, word], plain values that JSON can hold.

    Computed on the devices; a word a leaf comes to the host. With several processes, all of them
    have to call this, and all get the same.
    """
    names, leaves = named_leaves(tree)
    words = jax.device_get(_words(leaves))
    return {
        name: [str(leaf.dtype), list(leaf.shape), int(word)]
        for name, leaf, word in zip(names, leaves, words, strict=True)
    }


def state_fingerprint(tree: PyTree[Array]) -> str:
    """A short hash over names, dtypes, shapes and words of all leaves, to show to people."""
    return identity(fingerprint(tree))


def named_leaves(tree: PyTree) -> tuple[list[str], list[Any]]:
    """Names ('moments/1/mu/embedding') and leaves of a tree, in its order."""
    paths = jax.tree_util.tree_leaves_with_path(tree)
    names = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in paths]
    return names, [leaf for _, leaf in paths]


@jax.jit
def _words(leaves: list[Array]) -> list[UInt32[Array, ""]]:
    return [_word(leaf) for leaf in leaves]


def _word(x: Array) -> UInt32[Array, ""]:
    bits = _bits(x)
    position = jnp.zeros(bits.shape, jnp.uint32)
    for axis in range(bits.ndim):
        weight = np.uint32(pow(STRIDE, axis + 1, 2**32))
        coordinate = jax.lax.broadcasted_iota(jnp.uint32, bits.shape, axis)
        position += (coordinate + np.uint32(1)) * weight
    # Hashed together, not multiplied: weights alone would miss an even number of flipped signs,
    # whose bit stands for 2^31 whatever the weight.
    return jnp.sum(_mix(bits ^ position), dtype=jnp.uint32)


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
