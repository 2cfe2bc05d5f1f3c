package org.attune.rollout.generation;

/// How the sequences of a [GenerationLoop] sit in its cache. It changes rounding and speed, no
/// draw.
enum Seating {
    /// Side by side in the first slots, as recorded numbers and
    /// [org.attune.model.decode.ForwardRecord] expect. So none pauses, and all are of one adapter.
    LIST(true, true, 0),

    /// Side by side, but a sequence stays in its slot between two turns. A row that is empty for
    /// some steps costs less than reading a sequence again.
    TURNS(false, true, 16),

    /// Sequences come at any time; a long prompt is read in parts, and the others get a token after
    /// each.
    OPEN(false, false, 0);

    private final boolean dense;
    private final boolean wholePrompts;
    private final int patience;

    Seating(boolean dense, boolean wholePrompts, int patience) {
        this.dense = dense;
        this.wholePrompts = wholePrompts;
        this.patience = patience;
    }

    /// Whether sequences move so that they stand in the first slots.
    boolean isDense() {
        return dense;
    }

    /// Whether a long prompt is read in one step. Tokens from outside are not.
    boolean readsWholePrompts() {
        return wholePrompts;
    }

    /// Steps for which a paused sequence keeps its slot though others wait for one.
    int patience() {
        return patience;
    }
}
