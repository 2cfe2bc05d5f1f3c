package org.attune.rollout.sampling;

import org.attune.error.RolloutException;
import org.attune.rollout.TopTokens;
import org.attune.tensor.Device;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Samples the next token of many sequences, each by its own settings: those with equal settings
/// together ([AlikeSampler]).
///
/// Shapes: `B` sequences, `V` vocabulary.
public final class BatchSampler {
    private BatchSampler() {}

    /// What was sampled, row by row. A named tuple.
    ///
    /// @param logProbs under the model itself
    /// @param top the likeliest tokens, none for a row that didn't ask; empty if no row asked
    @SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
    public record Sampled(int[] ids, float[] logProbs, List<TopTokens> top) {}

    /// The random numbers of the rows' next tokens, for [#sample], if a GPU will draw them: sent
    /// ahead they go together with what the pass before needs.
    ///
    /// @return `(B, 1)`, in the current scope; empty on a processor
    public static Optional<Tensor> ahead(Device device, List<Sequence> rows) {
        return device.isGpu() ? Optional.of(AlikeSampler.uniforms(device, rows)) : Optional.empty();
    }

    /// @param logits float32 or bfloat16 `(B, V)`; may be changed
    /// @param rows whose logits they are, `(B)`
    /// @throws RolloutException if a row has no finite logit, or one that is NaN
    public static Sampled sample(Tensor logits, List<Sequence> rows) {
        return sample(logits, rows, Optional.empty());
    }

    /// Samples a token for each row with uniform numbers that were drawn before.
    ///
    /// @param sent what [#ahead] gave for the same rows
    public static Sampled sample(Tensor logits, List<Sequence> rows, Optional<Tensor> sent) {
        Map<AlikeSampler, List<Integer>> groups = new LinkedHashMap<>();
        for (int i = 0; i < rows.size(); i++) {
            groups.computeIfAbsent(AlikeSampler.of(rows.get(i)), _ -> new ArrayList<>()).add(i);
        }
        if (groups.size() == 1) {
            return groups.keySet().iterator().next().sample(logits, rows, sent);
        }
        var all =
                new Sampled(
                        new int[rows.size()],
                        new float[rows.size()],
                        new ArrayList<>(Collections.nCopies(rows.size(), TopTokens.NONE)));
        groups.forEach((sampler, numbers) -> sample(sampler, numbers, logits, rows, all));
        return all;
    }

    private static void sample(
            AlikeSampler sampler,
            List<Integer> numbers,
            Tensor logits,
            List<Sequence> rows,
            Sampled into) {
        long[] index = numbers.stream().mapToLong(i -> i).toArray();
        Tensor some = logits.indexSelect(0, Tensor.of(logits.device(), index, index.length));
        Sampled sampled =
                sampler.sample(some, numbers.stream().map(rows::get).toList(), Optional.empty());
        for (int i = 0; i < index.length; i++) {
            int row = numbers.get(i);
            into.ids()[row] = sampled.ids()[i];
            into.logProbs()[row] = sampled.logProbs()[i];
            if (!sampled.top().isEmpty()) {
                into.top().set(row, sampled.top().get(i));
            }
        }
    }

    /// The likeliest tokens of each row.
    ///
    /// @param logProbs float32 `(B, V)`
    /// @param most how many; all if there are fewer
    public static List<TopTokens> likeliest(Tensor logProbs, int most) {
        int n = (int) Math.min(most, logProbs.size(1));
        Tensor[] best = logProbs.topK(n);
        float[] values = best[0].toFloats();
        long[] ids = best[1].toLongs();
        List<TopTokens> top = new ArrayList<>();
        for (int from = 0; from < ids.length; from += n) {
            top.add(
                    new TopTokens(
                            Arrays.stream(ids, from, from + n).mapToInt(Math::toIntExact).toArray(),
                            Arrays.copyOfRange(values, from, from + n)));
        }
        return top;
    }
}
