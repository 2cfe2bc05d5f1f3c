package org.attune.policy;

import org.attune.adapter.LoraTarget;
import org.attune.error.StopRequest;
import org.attune.model.layer.Adapter;
import org.attune.model.layer.Decoder;
import org.attune.model.layer.Delta;
import org.attune.model.layer.Dropout;
import org.attune.model.layer.FusedLinear;
import org.attune.model.pass.DecoderRun;
import org.attune.model.pass.EmbeddingNoise;
import org.attune.model.pass.Recomputation;
import org.attune.tensor.DType;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Gradients of the base's weights, without training it: each module has an update that is zero,
/// and the gradient of that update is the weight's.
final class WeightGradients {
    private WeightGradients() {}

    /// The gradients of the mean negative log-probability of all tokens but each sequence's first.
    /// Takes an update and a gradient of the weights' size.
    ///
    /// @param targets modules whose weights are asked about, by path
    /// @param batches whose losses are averaged
    /// @return float32 `(out, in)` by path, in the current scope
    static Map<String, Tensor> of(
            Decoder decoder, Map<String, LoraTarget> targets, List<List<int[]>> batches) {
        Map<String, Tensor> gradients = new LinkedHashMap<>();
        for (FusedLinear linear : decoder.linears()) {
            List<Delta> zeros = new ArrayList<>();
            for (int i = 0; i < linear.parts().size(); i++) {
                FusedLinear.Part part = linear.parts().get(i);
                if (targets.containsKey(part.path())) {
                    long[] shape = {part.out(), linear.in()};
                    Tensor sum = Tensor.zeros(decoder.device(), DType.FLOAT32, shape);
                    gradients.put(part.path(), sum);
                    zeros.add(
                            new Delta(
                                    i,
                                    Tensor.zeros(decoder.device(), decoder.dtype(), shape),
                                    sum::addInPlace));
                }
            }
            linear.attachTrained(zeros);
        }
        try {
            batches.forEach(batch -> pass(decoder, batch));
        } finally {
            decoder.linears().forEach(linear -> linear.attachTrained(List.of()));
        }
        gradients.values().forEach(sum -> sum.mulInPlace(1.0 / batches.size()));
        return gradients;
    }

    private static void pass(Decoder decoder, List<int[]> batch) {
        StopRequest.check();
        var builder = TokenForest.builder();
        for (int[] ids : batch) {
            int root = builder.root(ids);
            for (int i = 1; i < ids.length; i++) {
                builder.target(root, i);
            }
        }
        TokenForest forest = builder.build();
        if (forest.targetCount() == 0) {
            return; // sequences of one token
        }
        var options =
                new DecoderRun.Options(
                        true, Recomputation.NONE, Dropout.NONE, false, EmbeddingNoise.NONE, false);
        try (var run = new DecoderRun(decoder, Policy.layout(forest), Adapter.TRAINED, options);
                var head =
                        Head.of(
                                decoder,
                                run.hidden(),
                                forest,
                                HeadRequest.of(),
                                OutputHead.Use.training(Adapter.TRAINED))) {
            float[] slopes = new float[forest.targetCount()];
            Arrays.fill(slopes, -1f / slopes.length);
            run.backward(head.backward(slopes, Map.of()), _ -> {});
        }
    }
}
