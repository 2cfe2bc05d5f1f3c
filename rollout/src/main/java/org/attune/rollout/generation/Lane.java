package org.attune.rollout.generation;

import org.attune.model.decode.CachedDecoder;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// The sequences that are read in one pass, of one adapter or of several that join: each step of a
/// [GenerationBatch] is of one lane.
final class Lane {
    private final CachedDecoder decoder;
    private final List<Ticket> rows = new ArrayList<>();

    Lane(CachedDecoder decoder) {
        this.decoder = decoder;
    }

    CachedDecoder decoder() {
        return decoder;
    }

    /// Sequences that get a token a step, in the order of the decoder's rows.
    List<Ticket> rows() {
        return rows;
    }

    /// Brings sequences of an adapter together, each in its place among them.
    void sort() {
        rows.sort(Comparator.comparing(Ticket::adapter));
    }

    int[] slots() {
        return rows.stream().mapToInt(Ticket::slot).toArray();
    }

    int[] lastTokens() {
        return rows.stream().mapToInt(live -> live.sequence().last()).toArray();
    }
}
