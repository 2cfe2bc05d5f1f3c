package org.attune.trainers.grpo;

import org.attune.policy.Measurement;
import org.attune.trainers.layout.CompletionForest;
import org.attune.trainers.step.RowAt;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// The completions of a step by prompt, where a completion's loss depends on the others of its
/// prompt. It keeps the log-probabilities of each until those of its whole prompt are there.
final class LabelledGroups {
    private final GroupStep step;
    private final CompletionLogProbs[] scores; // by the rows' positions
    private final Map<Integer, List<RowAt<RolloutRow>>> byPrompt;

    /// @param rows all completions of the step
    LabelledGroups(GroupStep step, List<RowAt<RolloutRow>> rows) {
        this.step = step;
        scores = new CompletionLogProbs[rows.size()];
        byPrompt =
                areNeeded()
                        ? rows.stream().collect(Collectors.groupingBy(at -> at.row().prompt()))
                        : new HashMap<>();
    }

    /// Whether the loss compares completions of a prompt at all.
    boolean areNeeded() {
        return step.loss().completion() instanceof RewardLabels;
    }

    /// Whether a group has all completions of each of its prompts.
    boolean areWhole(List<RowAt<RolloutRow>> group) {
        Map<Integer, Long> own =
                group.stream()
                        .collect(
                                Collectors.groupingBy(
                                        at -> at.row().prompt(), Collectors.counting()));
        return own.entrySet().stream()
                .allMatch(e -> byPrompt.get(e.getKey()).size() == e.getValue());
    }

    /// Takes a group's numbers.
    void note(List<RowAt<RolloutRow>> group, CompletionForest forest, Measurement measured) {
        for (int i = 0; areNeeded() && i < group.size(); i++) {
            double[] policy = forest.completions().get(i).of(measured.tokenLogProbs());
            scores[group.get(i).position()] = group.get(i).row().scores(policy);
        }
    }

    /// A completion with its share of its group's loss. All completions of its prompt are noted.
    CompletionLogProbs shared(RowAt<RolloutRow> placed, CompletionLogProbs row) {
        if (!(step.loss().completion() instanceof RewardLabels labels)) {
            return row;
        }
        List<CompletionLogProbs> group =
                byPrompt.get(placed.row().prompt()).stream()
                        .map(at -> scores[at.position()])
                        .toList();
        return row.withShare(labels.share(scores[placed.position()], group));
    }
}
