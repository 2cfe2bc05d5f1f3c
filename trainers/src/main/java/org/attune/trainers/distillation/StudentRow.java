package org.attune.trainers.distillation;

import org.attune.policy.HeadTerm;
import org.attune.trainers.examples.LikelyTokens;
import org.attune.trainers.layout.CompletionForest;

import java.util.BitSet;
import java.util.Optional;

/// A prompt with the completion on which student and teacher are compared. A named tuple: equality
/// is identity of the arrays.
///
/// @param tokens ids of prompt and completion
/// @param taught ids of what the teacher reads: the same completion, behind a prompt that may say
///     more
/// @param foreign tokens of the completion that don't count, as the answer of a tool; usually none
/// @param origin where the prompt comes from
/// @param isCompared whether the teacher has something to say of it
/// @param told what a teacher said that isn't there; empty: the run's teacher is asked
/// @param across how a teacher with another tokenizer reads it; usually nothing
/// @param advantage of the completion over others of its prompt; 0 where no reward is learned from
/// @param teacher number of the one of the run's teachers who teaches the row
record StudentRow(
        CompletionForest.Row tokens,
        CompletionForest.Row taught,
        BitSet foreign,
        String origin,
        boolean isCompared,
        Optional<LikelyTokens> told,
        Optional<Across> across,
        double advantage,
        int teacher) {
    /// How a teacher with another tokenizer reads a completion.
    ///
    /// @param spans for both; targets are counted from those of the completion
    /// @param byStudent whether the student wrote the completion
    record Across(HeadTerm.Aligned spans, boolean byStudent) {}

    /// A row that no reward judges.
    StudentRow(
            CompletionForest.Row tokens,
            CompletionForest.Row taught,
            BitSet foreign,
            String origin) {
        this(tokens, taught, foreign, origin, true, Optional.empty(), Optional.empty(), 0, 0);
    }

    /// A row of which both read the same.
    StudentRow(CompletionForest.Row tokens, BitSet foreign, String origin) {
        this(tokens, tokens, foreign, origin);
    }

    /// A row of which it is known what the teacher says.
    StudentRow told(LikelyTokens said) {
        return new StudentRow(
                tokens,
                taught,
                foreign,
                origin,
                isCompared,
                Optional.of(said),
                across,
                advantage,
                teacher);
    }

    /// A row of which it is known how a teacher with another tokenizer reads it.
    StudentRow across(Across reading) {
        return new StudentRow(
                tokens,
                taught,
                foreign,
                origin,
                isCompared,
                told,
                Optional.of(reading),
                advantage,
                teacher);
    }

    /// A row of one of several teachers.
    StudentRow of(int whose) {
        return new StudentRow(
                tokens, taught, foreign, origin, isCompared, told, across, advantage, whose);
    }

    /// Whether the teacher reads something else.
    boolean isTaught() {
        return taught != tokens;
    }

    /// Tokens of the completion that count.
    int counted() {
        return tokens.completion().length - foreign.cardinality();
    }

    /// Tokens of prompt and completion.
    int length() {
        return tokens.length();
    }
}
