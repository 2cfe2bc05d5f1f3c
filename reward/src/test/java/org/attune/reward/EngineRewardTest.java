package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.tensor.Engine;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// A reward that asks a model of this process.
class EngineRewardTest {
    private static final RewardFunction ASKING =
            batch -> batch.completions().stream().map(c -> Engine.call(() -> one())).toList();

    private static OptionalDouble one() {
        return OptionalDouble.of(1);
    }

    private static RewardTable score() {
        var batch =
                new RewardBatch(
                        List.of(new Prompt("p", List.of())),
                        List.of(new Completion("c", new int[0], List.of())),
                        Map.of());
        try (var scorer =
                new RewardScorer(List.of(WeightedReward.of(ASKING)), RewardLimits.defaults())) {
            return scorer.score(batch);
        }
    }

    @Test
    void isRefusedWhereTheEngineThreadWaitsForIt() {
        RewardTable table =
                assertTimeoutPreemptively(
                        Duration.ofSeconds(20), () -> Engine.call(EngineRewardTest::score));
        String example = table.failures().getFirst().example();
        assertTrue(example.contains("can't be used by code that a run waits for"), example);
    }

    @Test
    void worksElsewhere() {
        assertEquals(1, score().values()[0][0]);
    }
}
