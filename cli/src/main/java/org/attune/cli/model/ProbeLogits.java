package org.attune.cli.model;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.tensor.TensorScope;

import java.util.List;
import java.util.stream.IntStream;

/// Logits of a fixed sequence, to compare two models with the same vocabulary.
final class ProbeLogits {
    private static final int LENGTH = 24;

    private ProbeLogits() {}

    static float[] of(Decoder decoder, Adapter adapter) {
        // Spread over the vocabulary; 7919 is prime, so ids don't repeat in any usual one.
        int vocabulary = decoder.config().vocabSize();
        int[] ids =
                IntStream.range(0, LENGTH).map(i -> (int) ((i + 1) * 7919L % vocabulary)).toArray();
        return of(decoder, adapter, ids);
    }

    /// All logits of one sequence, `(T · V)`.
    static float[] of(Decoder decoder, Adapter adapter, int[] ids) {
        int[] positions = IntStream.range(0, ids.length).toArray();
        var layout = new Layout(ids, positions, List.of(new Layout.Span(-1, 0, ids.length)));
        try (var _ = TensorScope.open("logits")) {
            return Logits.of(decoder, layout, adapter).toFloats();
        }
    }

    /// NaN if one of the two has a NaN.
    static double largestDifference(float[] a, float[] b) {
        double largest = 0;
        for (int i = 0; i < a.length; i++) {
            double difference = Math.abs((double) a[i] - b[i]);
            if (!(difference <= largest)) {
                largest = difference;
            }
        }
        return largest;
    }
}
