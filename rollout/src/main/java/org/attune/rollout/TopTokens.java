package org.attune.rollout;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.tensor.Tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The likeliest tokens at one position. A named tuple: equality is identity of the arrays.
///
/// @param ids by falling probability
/// @param logProbs natural log-probability of each under the model itself, as in
///     [SampledCompletion#logProbs]
@Api(EXPERIMENTAL)
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record TopTokens(int[] ids, float[] logProbs) {
    /// No tokens: of a token that came from outside, or of a sequence that didn't ask.
    public static final TopTokens NONE = new TopTokens(new int[0], new float[0]);

    /// The likeliest tokens of each row.
    ///
    /// @param logProbs float32 `(B, V)`
    /// @param most how many; all if there are fewer
    public static List<TopTokens> of(Tensor logProbs, int most) {
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

    /// The likeliest of these.
    ///
    /// @param most how many
    public TopTokens first(int most) {
        return most >= ids.length
                ? this
                : new TopTokens(Arrays.copyOf(ids, most), Arrays.copyOf(logProbs, most));
    }
}
