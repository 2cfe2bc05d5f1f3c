package org.attune.cli.model;

import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.pass.Layout;
import org.attune.model.pass.Logits;
import org.attune.tensor.TensorScope;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/// Logits of fixed sequences, to compare two models with the same vocabulary.
final class ProbeLogits {
    private static final int LENGTH = 24;

    /// Steps between ids of each row; primes, so ids don't repeat in any usual vocabulary.
    private static final long[] STEPS = {7919, 31, 104_729};

    private ProbeLogits() {}

    /// All logits of a few rows, which are spread over the vocabulary.
    static float[] of(Decoder decoder, Adapter adapter) {
        int vocabulary = decoder.config().vocabSize();
        float[] all = {};
        for (long step : STEPS) {
            int[] ids =
                    IntStream.range(0, LENGTH)
                            .map(i -> (int) ((i + 1) * step % vocabulary))
                            .toArray();
            float[] own = of(decoder, adapter, ids);
            int before = all.length;
            all = Arrays.copyOf(all, before + own.length);
            System.arraycopy(own, 0, all, before, own.length);
        }
        return all;
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
