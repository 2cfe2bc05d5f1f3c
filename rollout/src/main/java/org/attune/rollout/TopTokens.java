package org.attune.rollout;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;

import java.util.Arrays;

/// The likeliest tokens at one position, or those that could be drawn there. A named tuple:
/// equality is identity of the arrays.
///
/// @param ids by falling probability; those that could be drawn by their number
/// @param logProbs natural log-probability of each under the model itself, as in
///     [SampledCompletion#logProbs]; of those that could be drawn under what they were drawn from
@Api(EXPERIMENTAL)
@SuppressWarnings("ArrayRecordComponent") // a named tuple, never compared
public record TopTokens(int[] ids, float[] logProbs) {
    /// No tokens: of a token that came from outside, or of a sequence that didn't ask.
    public static final TopTokens NONE = new TopTokens(new int[0], new float[0]);

    /// The likeliest of these.
    ///
    /// @param most how many
    public TopTokens first(int most) {
        return most >= ids.length
                ? this
                : new TopTokens(Arrays.copyOf(ids, most), Arrays.copyOf(logProbs, most));
    }
}
