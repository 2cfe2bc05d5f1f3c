package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.RewardException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// What one call of a function holds, and how many values it gives back.
@Timeout(300)
class WholeRoundTest {
    private static RewardBatch batch(String... texts) {
        return new RewardBatch(
                Collections.nCopies(texts.length, new Prompt("p", List.of())),
                Arrays.stream(texts).map(t -> new Completion(t, new int[0], List.of())).toList(),
                Map.of());
    }

    private static WeightedReward length() {
        RewardFunction length =
                batch ->
                        batch.completions().stream()
                                .map(c -> OptionalDouble.of(c.text().length()))
                                .toList();
        return WeightedReward.of(length.named("length"));
    }

    /// A completion that comes alone gets a value from a function that always gives one.
    @Test
    void aWrongNumberOfRewardsEndsTheRun() {
        RewardFunction one = _ -> List.of(OptionalDouble.of(1));
        RewardFunction more = batch -> Collections.nCopies(batch.size() + 1, OptionalDouble.of(1));
        for (RewardFunction function : List.of(one, more, more.wholeRounds(true))) {
            var functions = List.of(length(), WeightedReward.of(function.named("mine")));
            try (var scorer =
                    new RewardScorer(functions, RewardLimits.defaults().withCallSize(2))) {
                RewardBatch batch = batch("a", "b", "c");
                var error = assertThrows(RewardException.class, () -> scorer.score(batch));
                assertTrue(
                        error.getMessage()
                                .matches(
                                        "reward \"mine\" returned \\d values for \\d"
                                                + " completions;.*"),
                        error.getMessage());
            }
        }
    }

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
}
