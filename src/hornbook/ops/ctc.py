"""Connectionist temporal classification: labels for sequences of unknown alignment.

Source: Graves et al. 2006, icml.cc "Connectionist Temporal Classification".
"""

import jax
import jax.numpy as jnp
from jax import Array

from hornbook.core.symbolic import Tensor, op
from hornbook.ops import rows

NEVER = -1e5  # stands for log(0); finite, so that it can be added and differentiated


@op
def ctc_loss(
    target: Tensor,
    output: Tensor,
    target_length: Tensor,
    output_length: Tensor,
    mask_index: int = 0,
) -> Array:
    """`-log` of the probability that the outputs spell the target, over all alignments.

    Args:
        target: `(batch, labels)` integers.
        output: `(batch, time, classes)` logits.
        target_length: `(batch,)`: number of valid labels.
        output_length: `(batch,)`: number of valid timesteps.
        mask_index: the blank class.

    Returns:
        `(batch,)`.

    Example:
        >>> target, logits = np.array([[1]]), np.zeros((1, 1, 2), "float32")
        >>> loss = hornbook.ops.ctc_loss(target, logits, np.array([1]), np.array([1]))
        >>> loss
        Array([0.6931...], dtype=float32)
    """
    target = rows.array(target).astype("int32")
    target_length = rows.array(target_length).astype("int32")
    output_length = rows.array(output_length).astype("int32")
    output = rows.floating(output)
    output = output.astype(jnp.promote_types(output.dtype, "float32"))
    batch, labels = target.shape
    # States: blank, label 0, blank, label 1, ..., blank.
    states = jnp.full((batch, 2 * labels + 1), mask_index).at[:, 1::2].set(target)
    scores = jnp.take_along_axis(jax.nn.log_softmax(output), states[:, None, :], 2)
    before = jnp.pad(states, ((0, 0), (2, 0)), constant_values=mask_index)[:, :-2]
    may_skip = (states != mask_index) & (states != before)

    def step(alpha, inputs):
        score, counts = inputs
        one = jnp.pad(alpha, ((0, 0), (1, 0)), constant_values=NEVER)[:, :-1]
        two = jnp.pad(alpha, ((0, 0), (2, 0)), constant_values=NEVER)[:, :-2]
        two = jnp.where(may_skip, two, NEVER)
        reached = jnp.logaddexp(jnp.logaddexp(alpha, one), two) + score
        return jnp.where(counts[:, None], reached, alpha), None

    start = jnp.full(states.shape, NEVER, scores.dtype).at[:, 0].set(0)
    # The first timestep can reach the first blank or the first label.
    counts = jnp.arange(output.shape[1])[:, None] < output_length
    alpha, _ = jax.lax.scan(step, start, (scores.transpose(1, 0, 2), counts))
    last = 2 * target_length[:, None]
    ends = jnp.take_along_axis(alpha, jnp.concatenate([last, jnp.maximum(last - 1, 0)], 1), 1)
    both = jnp.logaddexp(ends[:, 0], jnp.where(target_length > 0, ends[:, 1], NEVER))
    return -both


@op
def ctc_decode(
    inputs: Tensor,
    sequence_lengths: Tensor,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int | None = 0,
) -> tuple[Array, Array]:
    """Decode outputs to labels.

    Args:
        inputs: `(batch, time, classes)` logits.
        sequence_lengths: `(batch,)`: number of valid timesteps.
        strategy: `"greedy"` (the likeliest class of each timestep) or `"beam_search"` (the
            likeliest labels over all alignments, among `beam_width` candidates).
        beam_width: number of candidates kept at each timestep.
        top_paths: number of results of a beam search to return, best first.
        merge_repeated: (greedy) whether to merge equal neighbours.
        mask_index: the blank class; `None`: the last one.

    Returns:
        Labels `(paths, batch, time)`, -1 after the end; and scores: log-probabilities
        `(batch, paths)`, or for greedy the negative sum of the largest logits `(batch, 1)`.

    Raises:
        ValueError: for any other strategy.

    Example:
        >>> logits = 9 * np.eye(3)[None, [1, 1, 0, 2]]
        >>> hornbook.ops.ctc_decode(logits, np.array([4]))[0].tolist()
        [[[1, 2, -1, -1]]]
    """
    inputs = rows.floating(inputs)
    inputs = inputs.astype(jnp.promote_types(inputs.dtype, "float32"))
    lengths = rows.array(sequence_lengths).astype("int32")
    blank = inputs.shape[-1] - 1 if mask_index is None else mask_index
    if strategy == "greedy":
        return _greedy(inputs, lengths, merge_repeated, blank)
    if strategy != "beam_search":
        raise ValueError(f"strategy is 'greedy' or 'beam_search', not {strategy!r}")
    search = jax.vmap(lambda x, n: _beam_search(x, n, beam_width, top_paths, blank))
    paths, scores = search(jax.nn.log_softmax(inputs), lengths)
    return paths.transpose(1, 0, 2), scores


def _greedy(inputs, lengths, merge_repeated, blank):
    counts = jnp.arange(inputs.shape[1]) < lengths[:, None]
    labels = jnp.where(counts, jnp.argmax(inputs, -1), blank)
    scores = -jnp.sum(jnp.where(counts, jnp.max(inputs, -1), 0), 1, keepdims=True)
    drop = labels == blank
    if merge_repeated:
        drop |= jnp.pad(labels[:, 1:] == labels[:, :-1], ((0, 0), (1, 0)))
    order = jnp.argsort(drop, axis=1, stable=True)
    return jnp.take_along_axis(jnp.where(drop, -1, labels), order, 1)[None], scores


def _beam_search(x, length, width, top, blank):
    """Beam search over one sequence of log-probabilities, `(time, classes)`.

    A candidate is a path of labels and the log-probabilities of all alignments that spell it and
    end in a blank, or in its last label.
    """
    time, classes = x.shape
    paths = jnp.full((width, time), -1)
    sizes = jnp.zeros(width, "int32")
    by_blank = jnp.full(width, -jnp.inf, x.dtype).at[0].set(0)
    by_label = jnp.full(width, -jnp.inf, x.dtype)

    def step(state, inputs):
        scores, counts = inputs
        return jax.tree.map(lambda a, b: jnp.where(counts, a, b), advance(state, scores), state), 0

    def advance(state, scores):
        paths, sizes, by_blank, by_label = state
        every = jnp.arange(width)
        last = jnp.where(sizes > 0, paths[every, sizes - 1], -1)
        total = jnp.logaddexp(by_blank, by_label)
        stay_blank = total + scores[blank]
        stay_label = jnp.where(sizes > 0, by_label + scores[last], -jnp.inf)
        same = jnp.arange(classes) == last[:, None]
        grown = jnp.where(same, by_blank[:, None], total[:, None]) + scores
        grown = grown.at[:, blank].set(-jnp.inf)
        # A path that grows into another candidate is merged with it.
        head = jnp.where(jnp.arange(time) < (sizes - 1)[:, None], paths, -1)
        parent = (head[:, None] == paths[None]).all(-1) & (sizes > 0)[:, None]
        alive = total > -jnp.inf
        parent &= alive[:, None] & alive
        joined = jnp.where(parent, grown[:, last].T, -jnp.inf)  # candidate, its parent
        stay_label = jnp.logaddexp(stay_label, jnp.max(joined, 1))
        taken = jnp.any(parent.T[:, :, None] & same[None], 1)
        grown = jnp.where(taken, -jnp.inf, grown)

        ranked = jnp.concatenate([jnp.logaddexp(stay_blank, stay_label), grown.ravel()])
        _, chosen = jax.lax.top_k(ranked, width)
        grows = chosen >= width
        source = jnp.where(grows, (chosen - width) // classes, chosen)
        label = jnp.where(grows, (chosen - width) % classes, -1)
        size = sizes[source]
        path = paths[source]
        path = path.at[every, size].set(jnp.where(grows, label, path[every, size]))
        flat = grown.ravel()[jnp.maximum(chosen - width, 0)]
        return (
            path,
            size + grows,
            jnp.where(grows, -jnp.inf, stay_blank[source]),
            jnp.where(grows, flat, stay_label[source]),
        )

    counts = jnp.arange(time) < length
    state, _ = jax.lax.scan(step, (paths, sizes, by_blank, by_label), (x, counts))
    paths, _, by_blank, by_label = state
    scores, chosen = jax.lax.top_k(jnp.logaddexp(by_blank, by_label), top)
    return paths[chosen], scores


rows.publish(globals())
