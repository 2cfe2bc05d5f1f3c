package org.attune.datasets;

import org.attune.policy.TokenForest;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A micro-batch of preference pairs. With shared prompts a pair is one tree: the longest common
/// prefix *of token ids* is the root, what differs its two children; the prefix is computed once.
/// Without, chosen and rejected are roots of their own.
///
/// Completions may begin alike; then the root ends in completion tokens, which are targets twice,
/// once for each side.
///
/// @param forest   the layout. Targets are numbered pair by pair: first the chosen completion's
///     tokens, then the rejected one's.
/// @param chosen   the targets of each pair's chosen completion
/// @param rejected the targets of each pair's rejected completion
public record PreferenceForest(
        TokenForest forest, List<TargetRange> chosen, List<TargetRange> rejected) {
    public PreferenceForest {
        chosen = List.copyOf(chosen);
        rejected = List.copyOf(rejected);
    }

    /// Lays `pairs` out.
    ///
    /// @param sharePrompts false where equality can't hold: router losses, RoPE that depends on
    ///     the total length, dropout in the prompt
    public static PreferenceForest of(List<PreferenceExample> pairs, boolean sharePrompts) {
        TokenForest.Builder builder = TokenForest.builder();
        var chosen = new ArrayList<TargetRange>(pairs.size());
        var rejected = new ArrayList<TargetRange>(pairs.size());
        for (PreferenceExample pair : pairs) {
            int shared = sharePrompts ? pair.sharedPrefix() : 0;
            int root =
                    shared > 0
                            ? builder.root(Arrays.copyOf(pair.chosen().ids(), shared))
                            : TokenForest.ROOT;
            int first = segment(builder, root, shared, pair.chosen());
            int second = segment(builder, root, shared, pair.rejected());
            chosen.add(targets(builder, root, shared, first, pair.chosen()));
            rejected.add(targets(builder, root, shared, second, pair.rejected()));
        }
        return new PreferenceForest(builder.build(), chosen, rejected);
    }

    static int segment(TokenForest.Builder builder, int root, int shared, CompletionTokens side) {
        int[] own = Arrays.copyOfRange(side.ids(), shared, side.length());
        return root == TokenForest.ROOT ? builder.root(own) : builder.child(root, own);
    }

    private static TargetRange targets(
            TokenForest.Builder builder, int root, int shared, int segment, CompletionTokens side) {
        int start = builder.targetCount();
        for (int i = Math.max(1, side.completionStart()); i < side.length(); i++) {
            if (i < shared) {
                builder.target(root, i);
            } else {
                builder.target(segment, i - shared);
            }
        }
        return new TargetRange(start, builder.targetCount());
    }
}
