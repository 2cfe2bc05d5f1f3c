package org.attune.trainers.layout;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;

import java.util.ArrayList;
import java.util.List;

/// A micro-batch of preference pairs with tokens that are imitated beside them. With shared prompts
/// what sequences begin with in common is computed once, as in [PreferenceForest]: the prompt of
/// two answers, or of three.
///
/// @param forest the layout. Targets are numbered row by row: those of the chosen side (of which
///     the imitated ones may be more), of the rejected side, of a third answer
/// @param chosen the targets of each chosen completion
/// @param rejected the targets of each rejected completion
/// @param imitated the targets whose likelihood is raised for its own sake; may overlap `chosen`
public record ImitationForest(
        TokenForest forest,
        List<TargetRange> chosen,
        List<TargetRange> rejected,
        List<TargetRange> imitated)
        implements RowForest {
    public ImitationForest {
        chosen = List.copyOf(chosen);
        rejected = List.copyOf(rejected);
        imitated = List.copyOf(imitated);
    }

    /// Lays `rows` out.
    ///
    /// @param shares as in [SequenceTree#add]
    public static ImitationForest of(List<ImitationPair> rows, boolean shares) {
        TokenForest.Builder builder = TokenForest.builder();
        List<int[]> sequences = rows.stream().flatMap(row -> row.sequences().stream()).toList();
        List<SequenceTree.Path> paths = SequenceTree.add(builder, sequences, shares);
        var chosen = new ArrayList<TargetRange>(rows.size());
        var rejected = new ArrayList<TargetRange>(rows.size());
        var imitated = new ArrayList<TargetRange>(rows.size());
        int path = 0;
        for (ImitationPair row : rows) {
            CompletionTokens side = row.pair().chosen();
            boolean third = row.third();
            int first = third ? first(side) : Math.min(first(side), first(row.imitated()));
            TargetRange whole = targets(builder, paths.get(path++), side.startingAt(first));
            chosen.add(from(whole, side));
            CompletionTokens other = row.pair().rejected();
            rejected.add(targets(builder, paths.get(path++), other));
            CompletionTokens copied = row.imitated();
            imitated.add(third ? targets(builder, paths.get(path++), copied) : from(whole, copied));
        }
        return new ImitationForest(builder.build(), chosen, rejected, imitated);
    }

    /// Position of the first token of a completion that is predicted.
    private static int first(CompletionTokens tokens) {
        return Math.max(1, tokens.completionStart());
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

    /// The last targets of a sequence: as many as the completion has.
    private static TargetRange from(TargetRange whole, CompletionTokens completion) {
        return new TargetRange(whole.end() - completion.trainedTokens(), whole.end());
    }
}
