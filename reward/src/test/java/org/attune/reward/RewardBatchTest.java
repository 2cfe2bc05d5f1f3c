package org.attune.reward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

class RewardBatchTest {
    private final Prompt prompt = new Prompt("2 + 2 =", List.of());
    private final Completion completion = new Completion(" 4", new int[] {5}, List.of());

    @Test
    void lambdaScoresEachCompletionWithItsColumns() {
        RewardFunction exact =
                batch ->
                        List.of(
                                OptionalDouble.of(
                                        batch.completions()
                                                        .getFirst()
                                                        .text()
                                                        .strip()
                                                        .equals(
                                                                batch.columns()
                                                                        .get("answer")
                                                                        .getFirst())
                                                ? 1
                                                : 0));
        var batch =
                new RewardBatch(
                        List.of(prompt), List.of(completion), Map.of("answer", List.of("4")));
        assertEquals(List.of(OptionalDouble.of(1)), exact.score(batch));
    }

    @Test
    void columnOfAnotherLengthIsRefusedByName() {
        var error =
                assertThrows(
                        IllegalArgumentException.class,
                        () ->
                                new RewardBatch(
                                        List.of(prompt),
                                        List.of(completion),
                                        Map.of("answer", List.of("4", "5"))));
        assertTrue(error.getMessage().contains("\"answer\" has 2 values for 1"));
    }

    @Test
    void lambdasHaveAStableName() {
        RewardFunction lambda = _ -> List.of();
        assertEquals("reward", lambda.name());
        assertEquals("brief", lambda.named("brief").name());
    }
}
