package org.attune.trainers.layout;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.PreferenceExample;

import java.util.ArrayList;
import java.util.List;

/// A micro-batch of preference pairs. With shared prompts what sequences begin with in common, *of
/// token ids*, is computed once: the prompt of a pair, and what several prompts begin with.
///
/// Completions may begin alike; then a shared segment ends in completion tokens, which are targets
/// twice, once for each side.
///
/// @param forest   the layout. Targets are numbered pair by pair: first the chosen completion's
///     tokens, then the rejected one's.
/// @param chosen   the targets of each pair's chosen completion
/// @param rejected the targets of each pair's rejected completion
public record PreferenceForest(
        TokenForest forest, List<TargetRange> chosen, List<TargetRange> rejected)
        implements RowForest {
    public PreferenceForest {
        chosen = List.copyOf(chosen);
        rejected = List.copyOf(rejected);
    }

    /// Lays `pairs` out.
    ///
    /// @param sharePrompts as in [SequenceTree#add]
    public static PreferenceForest of(List<PreferenceExample> pairs, boolean sharePrompts) {
        TokenForest.Builder builder = TokenForest.builder();
        List<SequenceTree.Path> paths = SequenceTree.add(builder, sequences(pairs), sharePrompts);
        var chosen = new ArrayList<TargetRange>(pairs.size());
        var rejected = new ArrayList<TargetRange>(pairs.size());
        for (int i = 0; i < pairs.size(); i++) {
            PreferenceExample pair = pairs.get(i);
            chosen.add(targets(builder, paths.get(2 * i), pair.chosen()));
            rejected.add(targets(builder, paths.get(2 * i + 1), pair.rejected()));
        }
        return new PreferenceForest(builder.build(), chosen, rejected);
    }

    /// The sequences of both sides of each pair.
    static List<int[]> sequences(List<PreferenceExample> pairs) {
        return pairs.stream().flatMap(pair -> pair.sequences().stream()).toList();
    }

    private static TargetRange targets(
            TokenForest.Builder builder, SequenceTree.Path path, CompletionTokens side) {
        int start = builder.targetCount();
        for (int i = side.completionStart(); i < side.length(); i++) {
            if (side.isTrained(i)) {
                path.target(i);
            }
        }
        return new TargetRange(start, builder.targetCount());
    }
}
