package org.attune.reward.builtin;

import org.attune.reward.PerCompletion;
import org.attune.reward.RewardFunction;

import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.ToDoubleBiFunction;

/// Rewards for [overlap][TextOverlap] with a reference, or with the nearest of several, in a
/// column. They don't apply where it is empty. All are from 0 to 1, of each completion by itself:
/// the BLEU and chrF of whole corpora, which add up counts first, are other numbers. Parameter:
/// `column` (answer; a text or a list of texts).
final class OverlapRewards {
    private OverlapRewards() {}

    static RewardFunction bleu(String name, Parameters parameters) {
        return of(name, parameters, TextOverlap::bleu);
    }

    static RewardFunction chrf(String name, Parameters parameters) {
        return of(name, parameters, TextOverlap::chrf);
    }

    /// Further parameter: `type` (`rougeL`, `rouge1` or `rouge2`).
    static RewardFunction rouge(String name, Parameters parameters) {
        String type = parameters.choice("type", "rougeL", "rouge1", "rouge2");
        return of(
                name,
                parameters,
                switch (type) {
                    case "rouge1" -> (text, right) -> TextOverlap.rouge(1, text, right);
                    case "rouge2" -> (text, right) -> TextOverlap.rouge(2, text, right);
                    default -> TextOverlap::rougeL;
                });
    }

    private static RewardFunction of(
            String name, Parameters parameters, ToDoubleBiFunction<String, List<String>> overlap) {
        String column = parameters.text("column", "answer");
        parameters.check();
        return new PerCompletion(
                name,
                Set.of(column),
                row -> {
                    List<String> references = references(row.column(column));
                    return references.isEmpty()
                            ? OptionalDouble.empty()
                            : OptionalDouble.of(overlap.applyAsDouble(row.text(), references));
                });
    }

    private static List<String> references(Object value) {
        return switch (value) {
            case null -> List.of();
            case List<?> several -> several.stream().map(String::valueOf).toList();
            default -> List.of(value.toString());
        };
    }
}
