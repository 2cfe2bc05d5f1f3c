package org.attune.policy;

import static org.attune.testing.TensorAssert.assertClose;

import org.attune.adapter.AdapterConfig;
import org.attune.adapter.LoraConfig;
import org.attune.adapter.LoraInitialisation;
import org.attune.adapter.ModuleSelection;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.TensorScope;
import org.attune.testing.TinyModels;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/// Log-probabilities by key and gradients after one logical batch.
///
/// @param gradients of `Σ weight(key) · logProb(key)`
record Outcome(SortedMap<Integer, Float> logProbs, float[] gradients) {
    static final Policy.Options DEFAULT = new Policy.Options(Recomputation.NONE, false, 0, false);
    static final Policy.Options PLAIN = new Policy.Options(Recomputation.NONE, false, 0, true);
    static final Policy.Options RECOMPUTE = new Policy.Options(Recomputation.ALL, false, 0, false);
    static final Policy.Options RECOMPUTE_FIRST =
            new Policy.Options(Recomputation.ofBlocks(1), false, 0, false);
    static final Policy.Options KEEP_ATTENTION =
            new Policy.Options(new Recomputation(1, true), false, 0, false);

    /// Evaluates and goes backward, piece by piece.
    static Outcome of(CausalPolicy policy, List<Tree.Piece> pieces) {
        return of(policy, pieces, HeadRequest.of());
    }

    static Outcome of(CausalPolicy policy, List<Tree.Piece> pieces, HeadRequest request) {
        policy.parameters().gradients().zeroInPlace();
        var logProbs = new TreeMap<Integer, Float>();
        for (Tree.Piece piece : pieces) {
            try (Evaluation e = policy.evaluate(piece.forest(), request)) {
                float[] values = e.measurement().tokenLogProbs();
                float[] weights = new float[values.length];
                for (int i = 0; i < values.length; i++) {
                    logProbs.put(piece.keys()[i], values[i]);
                    weights[i] = weight(piece.keys()[i]);
                }
                e.backward(weights);
            }
        }
        return new Outcome(logProbs, policy.parameters().gradients().toFloats());
    }

    /// What a model says of all targets.
    static float[] logProbs(Scorer scorer, TokenForest forest) {
        try (var _ = TensorScope.open("test")) {
            return scorer.measure(forest, HeadRequest.of()).tokenLogProbs();
        }
    }

    /// The weight of a target in the loss: uneven, of both signs, about 1/100.
    static float weight(int key) {
        return (float) Math.sin(0.7 * key + 1) / 50;
    }

    double loss() {
        double sum = 0;
        for (Map.Entry<Integer, Float> e : logProbs.entrySet()) {
            sum += weight(e.getKey()) * e.getValue();
        }
        return sum;
    }

    void assertEqualTo(String what, Outcome other) {
        assertEqualTo(what, other, 1e-5);
    }

    void assertEqualTo(String what, Outcome other, double tolerance) {
        if (!logProbs.keySet().equals(other.logProbs.keySet())) {
            throw new AssertionError(what + ": other targets");
        }
        assertClose(what + ": log-probs", values(), other.values(), tolerance, tolerance);
        assertClose(what + ": loss", loss(), other.loss(), tolerance, 0);
        assertClose(what + ": gradients", gradients, other.gradients, tolerance, tolerance);
        double largest = 0;
        for (float g : gradients) {
            largest = Math.max(largest, Math.abs(g));
        }
        if (!(largest > 100 * tolerance)) {
            throw new AssertionError(what + ": gradients too small to compare: " + largest);
        }
    }

    float[] values() {
        float[] values = new float[logProbs.size()];
        int i = 0;
        for (float v : logProbs.values()) {
            values[i++] = v;
        }
        return values;
    }

    /// A policy with a fresh adapter, with the same random values in every call.
    static Policy lora(Decoder decoder, AdapterConfig config, Policy.Options options) {
        return Policy.withFreshAdapter(decoder, config, TinyModels.random("adapter"), options);
    }

    /// All linear layers, rank 3.
    static LoraConfig allLinear(double dropout) {
        return allLinear(3, dropout);
    }

    static LoraConfig allLinear(int rank, double dropout) {
        return adapter(new ModuleSelection.AllLinear(), rank, dropout, Map.of());
    }

    /// Both matrices random, so that both have gradients.
    static LoraConfig adapter(
            ModuleSelection targets, double dropout, Map<String, Integer> rankPattern) {
        return adapter(targets, 3, dropout, rankPattern);
    }

    private static LoraConfig adapter(
            ModuleSelection targets, int rank, double dropout, Map<String, Integer> rankPattern) {
        return new LoraConfig(
                rank,
                2 * rank,
                dropout,
                false,
                false,
                targets,
                Optional.empty(),
                List.of(),
                List.of(),
                rankPattern,
                Map.of(),
                List.of(),
                false,
                LoraInitialisation.RANDOM_BOTH,
                "CAUSAL_LM",
                Optional.empty());
    }
}
