package org.attune.model.layer;

import org.attune.tensor.Tensor;

import java.util.List;
import java.util.stream.IntStream;

/// Counts in a pass how routers divide the tokens of each sequence, and takes what follows from
/// that back to their logits. `N` rows, `E` experts.
public final class RouterWatch {
    private final int[] sequenceOf; // (N)
    private final int sequences;
    private final long[] rows; // of each sequence, by layer
    private double[][] chosen; // (sequences, E)
    private double[][] probabilities; // (sequences, E)
    private boolean counts = true;
    private Tensor slopes; // (N, E), or null

    /// @param sequenceOf number of the sequence that each row belongs to, `(N)`
    /// @param sequences how many there are
    public RouterWatch(int[] sequenceOf, int sequences) {
        this.sequenceOf = sequenceOf.clone();
        this.sequences = sequences;
        rows = new long[sequences];
        chosen = new double[sequences][0];
        probabilities = new double[sequences][0];
    }

    /// Counts the rows of a layer's router, until [#endForward].
    ///
    /// @param logits float32 `(N, E)`
    /// @param k how many experts a row is counted for. They are its largest logits, which the
    ///     experts that compute it need not be
    public void count(Tensor logits, int k) {
        if (!counts) {
            return;
        }
        int experts = (int) logits.size(1);
        if (sequences > 0 && chosen[0].length == 0) {
            chosen = new double[sequences][experts];
            probabilities = new double[sequences][experts];
        }
        float[] p = logits.detach().softmax(1).toFloats();
        for (int row = 0; row < sequenceOf.length; row++) {
            int s = sequenceOf[row];
            rows[s]++;
            for (int e = 0; e < experts; e++) {
                probabilities[s][e] += p[row * experts + e];
            }
            for (int i = 0; i < k; i++) {
                int best = Router.likeliest(p, row * experts, experts);
                chosen[s][best]++;
                p[row * experts + best] = Float.NEGATIVE_INFINITY;
            }
        }
    }

    /// What is computed from now on is computed again.
    public void endForward() {
        counts = false;
    }

    /// The load of each sequence, over all layers.
    public List<ExpertLoad> loads() {
        return IntStream.range(0, sequences)
                .mapToObj(s -> new ExpertLoad(chosen[s], probabilities[s], rows[s]))
                .toList();
    }

    /// Has the backward pass follow these derivatives. Their memory belongs to the current scope.
    ///
    /// @param byProbability dLoss/d[ExpertLoad#probabilities] of each sequence, `(E)` each
    /// @param like on the device of the pass
    public void learn(List<double[]> byProbability, Tensor like) {
        if (byProbability.size() != sequences) {
            throw new IllegalArgumentException(
                    "derivatives of %d sequences were given, there are %d"
                            .formatted(byProbability.size(), sequences));
        }
        int experts = byProbability.isEmpty() ? 0 : byProbability.getFirst().length;
        if (experts == 0) {
            return;
        }
        float[] all = new float[sequenceOf.length * experts];
        for (int i = 0; i < all.length; i++) {
            all[i] = (float) byProbability.get(sequenceOf[i / experts])[i % experts];
        }
        slopes = Tensor.of(like.device(), all, sequenceOf.length, experts);
    }

    /// Whether there is anything to follow.
    public boolean learns() {
        return slopes != null;
    }

    /// Makes a term of the loss, linear in the probabilities of a layer's router.
    ///
    /// @param logits float32 `(N, E)`, recorded
    public Tensor term(Tensor logits) {
        return logits.softmax(1).mul(slopes).sum();
    }
}
