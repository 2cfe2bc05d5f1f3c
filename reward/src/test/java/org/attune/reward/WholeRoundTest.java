package org.attune.reward;

import static org.attune.reward.RewardScorerTest.batch;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.OptionalDouble;

/// Functions that compare the completions of a round, and what they say beside values.
final class WholeRoundTest {
    @Test
    void functionThatComparesCompletionsSeesTheWholeRound() {
        var relative =
                new RewardFunction() {
                    @Override
                    public List<OptionalDouble> score(RewardBatch batch) {
                        return Collections.nCopies(batch.size(), OptionalDouble.of(batch.size()));
                    }

                    @Override
                    public boolean wholeRound() {
                        return true;
                    }
                };
        var limits = RewardLimits.defaults().withCallSize(2);
        try (var scorer =
                new RewardScorer(List.of(WeightedReward.of(relative.named("r"))), limits)) {
            RewardTable table = scorer.score(batch("a", "b", "c", "d", "e"));
            assertArrayEquals(new double[] {5, 5, 5, 5, 5}, table.column(0));
        }
    }

    @Test
    void aLambdaIsCalledWithWholeRoundsWhenAsked() {
        RewardFunction longest =
                batch -> {
                    int most =
                            batch.completions().stream()
                                    .mapToInt(c -> c.text().length())
                                    .max()
                                    .orElseThrow();
                    return batch.completions().stream()
                            .map(c -> OptionalDouble.of(c.text().length() == most ? 1 : 0))
                            .toList();
                };
        var whole = WeightedReward.of(longest.named("l").wholeRounds(true).named("longest"));
        try (var scorer =
                new RewardScorer(List.of(whole), RewardLimits.defaults().withCallSize(1))) {
            RewardTable table = scorer.score(batch("a", "bb", "ccc"));
            assertEquals(List.of("longest"), table.names());
            assertArrayEquals(new double[] {0, 0, 1}, table.column(0));
        }
    }

    @Test
    void aWholeRoundHasTheTimeOfItsCalls() {
        var limits = RewardLimits.defaults().withTimeout(Duration.ofSeconds(30)).withCallSize(8);
        assertEquals(Duration.ofSeconds(30), limits.timeout(1));
        assertEquals(Duration.ofSeconds(30), limits.timeout(8));
        assertEquals(Duration.ofSeconds(60), limits.timeout(9));
        assertTrue(limits.withTimeout(Duration.ofDays(30)).timeout(1 << 30).toNanos() > 0);
    }

    @Test
    void extraColumnOfAnotherLengthIsTheFunctionsFault() {
        RewardFunction wrong =
                batch -> {
                    batch.logExtra("x", List.of(1, 2, 3));
                    return List.of(OptionalDouble.of(1));
                };
        try (var scorer =
                new RewardScorer(
                        List.of(WeightedReward.of(wrong.named("w"))), RewardLimits.defaults())) {
            RewardFailure failure = scorer.score(batch("a")).failures().getFirst();
            assertTrue(failure.example().contains("\"x\" has 3 values for 1"), failure.example());
        }
    }
}
