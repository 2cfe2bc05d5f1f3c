package org.attune.trainers.layout;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.trainers.examples.PreferenceExample;

import java.util.List;

/// A micro-batch of preference pairs for a reward model: the layout of [PreferenceForest], with a
/// score of each side's last token in place of predictions.
///
/// @param forest the layout. Target `2 i` is the chosen score of pair `i`, target `2 i + 1` the
///     rejected one
public record RewardForest(TokenForest forest) implements RowForest {
    private static final int REWARD = 0; // the one label

    /// Lays `pairs` out.
    ///
    /// @param sharePrompts as in [SequenceTree#add]
    public static RewardForest of(List<PreferenceExample> pairs, boolean sharePrompts) {
        TokenForest.Builder builder = TokenForest.builder();
        for (SequenceTree.Path path :
                SequenceTree.add(builder, PreferenceForest.sequences(pairs), sharePrompts)) {
            path.score(path.length() - 1, REWARD);
        }
        return new RewardForest(builder.build());
    }
}
