package org.attune.datasets;

import org.attune.policy.TokenForest;

import java.util.Arrays;
import java.util.List;

/// A micro-batch of preference pairs for a reward model: the layout of [PreferenceForest], with a
/// score of each side's last token in place of predictions.
///
/// @param forest the layout. Target `2 i` is the chosen score of pair `i`, target `2 i + 1` the
///     rejected one
public record RewardForest(TokenForest forest) {
    private static final int REWARD = 0; // the one label

    /// Lays `pairs` out.
    ///
    /// @param sharePrompts as in [PreferenceForest#of]
    public static RewardForest of(List<PreferenceExample> pairs, boolean sharePrompts) {
        TokenForest.Builder builder = TokenForest.builder();
        for (PreferenceExample pair : pairs) {
            int shared = sharePrompts ? pair.sharedPrefix() : 0;
            int root =
                    shared > 0
                            ? builder.root(Arrays.copyOf(pair.chosen().ids(), shared))
                            : TokenForest.ROOT;
            int chosen = PreferenceForest.segment(builder, root, shared, pair.chosen());
            int rejected = PreferenceForest.segment(builder, root, shared, pair.rejected());
            builder.score(chosen, REWARD);
            builder.score(rejected, REWARD);
        }
        return new RewardForest(builder.build());
    }
}
