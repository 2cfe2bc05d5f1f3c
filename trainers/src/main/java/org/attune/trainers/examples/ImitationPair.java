package org.attune.trainers.examples;

import java.util.ArrayList;
import java.util.List;

/// A preference pair with tokens that are imitated beside it, all after truncation: those of the
/// chosen side, or those of a third answer to the same prompt.
///
/// @param pair chosen and rejected side
/// @param imitated the sequence whose tokens from `completionStart` on are imitated; none are if
///     that is its length
/// @param third whether it is a sequence beside the pair's two; else its ids are the chosen side's
public record ImitationPair(PreferenceExample pair, CompletionTokens imitated, boolean third)
        implements TrainingRow {
    /// Number of tokens of all its sequences, as TRL counts them (the prompt with each).
    @Override
    public int length() {
        return pair.length() + (third ? imitated.length() : 0);
    }

    /// Ids of the chosen side, the rejected one and, if it is a third, the one imitated.
    @Override
    public List<int[]> sequences() {
        var sequences = new ArrayList<>(pair.sequences());
        if (third) {
            sequences.add(imitated.ids());
        }
        return sequences;
    }

    @Override
    public List<String> origins() {
        return pair.origins();
    }

    /// The answers of the pair, and a third one if it is imitated.
    @Override
    public List<GivenAnswer> answers() {
        var answers = new ArrayList<>(pair.answers());
        if (third) {
            answers.add(new GivenAnswer("imitated", imitated));
        }
        return answers;
    }
}
