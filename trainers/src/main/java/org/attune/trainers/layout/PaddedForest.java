package org.attune.trainers.layout;

import org.attune.policy.SequenceTree;
import org.attune.policy.TokenForest;

import java.util.ArrayList;
import java.util.List;

/// Sequences laid out as a batch that is padded at the right computes them, for statistics of its
/// logits: every position is a source of a target, those of prompts, of last tokens and of the
/// padding too. Nothing can be learnt from these targets.
///
/// @param forest the layout. Targets are numbered sequence by sequence, position by position
/// @param sequences the targets of each sequence
public record PaddedForest(TokenForest forest, List<TargetRange> sequences) implements RowForest {
    public PaddedForest {
        sequences = List.copyOf(sequences);
    }

    /// @param ids the sequences
    /// @param width positions of each that are looked at; those behind its end are padding
    /// @param padId the token that pads
    public static PaddedForest of(List<int[]> ids, int width, int padId) {
        TokenForest.Builder builder = TokenForest.builder();
        List<SequenceTree.Path> paths = SequenceTree.add(builder, ids, false);
        List<TargetRange> ranges = new ArrayList<>();
        for (int i = 0; i < ids.size(); i++) {
            int start = builder.targetCount();
            int length = ids.get(i).length;
            for (int t = 0; t < Math.min(length, width); t++) {
                paths.get(i).score(t, padId);
            }
            for (int t = length; t < width; t++) {
                paths.get(i).scoreOnlooker(padId, t - length, padId);
            }
            ranges.add(new TargetRange(start, builder.targetCount()));
        }
        return new PaddedForest(builder.build(), ranges);
    }
}
