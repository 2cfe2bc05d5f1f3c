package org.attune.trainers.samples;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Chooses rows from a prompt's completions. Of equal rewards the earlier completion comes first.
///
/// @param how settings
record SampleChoice(SampleOutputConfig how) {
    /// A row to be written.
    sealed interface Chosen {
        /// A completion that becomes a row.
        record One(ScoredCompletion completion) implements Chosen {}

        /// A completion that becomes a row, said to be good or bad.
        record Labelled(ScoredCompletion completion, boolean label) implements Chosen {}

        /// Two of different rewards.
        record Pair(ScoredCompletion chosen, ScoredCompletion rejected) implements Chosen {}
    }

    /// @param completions of one prompt, in the order in which they were sampled
    List<Chosen> of(List<ScoredCompletion> completions) {
        List<ScoredCompletion> usable = usable(completions);
        return switch (how.keep()) {
            case ALL ->
                    usable.stream()
                            .limit(most(Integer.MAX_VALUE))
                            .<Chosen>map(Chosen.One::new)
                            .toList();
            case BEST -> above(usable, most(1));
            case ABOVE -> above(usable, most(Integer.MAX_VALUE));
            case LABELLED ->
                    usable.stream()
                            .filter(ScoredCompletion::isJudged)
                            .limit(most(Integer.MAX_VALUE))
                            .<Chosen>map(c -> new Chosen.Labelled(c, reaches(c)))
                            .toList();
            case PAIRS -> pairs(judged(usable), most(1));
        };
    }

    private int most(int standard) {
        return how.keepPerPrompt().orElse(standard);
    }

    private List<ScoredCompletion> usable(List<ScoredCompletion> completions) {
        Set<String> texts = new HashSet<>();
        return completions.stream()
                .filter(c -> !(how.dropTruncated() && c.isTruncated()))
                .filter(c -> !c.text().isBlank())
                .filter(c -> !how.dropDuplicates() || texts.add(c.text()))
                .toList();
    }

    /// The best first.
    private static List<ScoredCompletion> judged(List<ScoredCompletion> usable) {
        return usable.stream()
                .filter(ScoredCompletion::isJudged)
                .sorted(Comparator.comparingDouble(ScoredCompletion::reward).reversed())
                .toList();
    }

    private boolean reaches(ScoredCompletion completion) {
        return completion.reward() >= how.rewardThreshold().orElse(Double.NEGATIVE_INFINITY);
    }

    private List<Chosen> above(List<ScoredCompletion> usable, int most) {
        return judged(usable).stream()
                .filter(this::reaches)
                .limit(most)
                .<Chosen>map(Chosen.One::new)
                .toList();
    }

    /// The best with the worst, the second with the last but one, and so on.
    private List<Chosen> pairs(List<ScoredCompletion> sorted, int most) {
        List<Chosen> pairs = new ArrayList<>();
        for (int i = 0; pairs.size() < most && i < sorted.size() - 1 - i; i++) {
            ScoredCompletion chosen = sorted.get(i);
            ScoredCompletion rejected = sorted.get(sorted.size() - 1 - i);
            double difference = chosen.reward() - rejected.reward();
            if (!reaches(chosen) || !(difference > 0 && difference >= how.rewardMargin())) {
                break;
            }
            pairs.add(new Chosen.Pair(chosen, rejected));
        }
        return pairs;
    }
}
