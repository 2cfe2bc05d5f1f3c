package org.attune.trainers.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.attune.json.Json;
import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a teacher said, in the columns of a row.
class LikelyTokensTest {
    private static Map<String, Object> row(Object completion, Object tokens, Object logProbs) {
        Map<String, Object> row = new HashMap<>();
        row.put("completion_ids", completion);
        row.put("target_token_ids", tokens);
        row.put("logprobs", logProbs);
        return row;
    }

    private static String fault(Object completion, Object tokens, Object logProbs) {
        return assertThrows(
                        DatasetException.class,
                        () -> LikelyTokens.of(row(completion, tokens, logProbs), new int[] {1, 2}))
                .getMessage();
    }

    @Test
    void columnsAreReadAsTheyAreWritten() {
        var said =
                new LikelyTokens(
                        new int[] {5, 9},
                        new int[][] {{5, 3}, {9, 2}},
                        new float[][] {{-0.1f, -2.5f}, {-1e-5f, -12.25f}});
        LikelyTokens read = LikelyTokens.of(said.columns(), new int[0]).orElseThrow();
        assertArrayEquals(said.completion(), read.completion());
        assertArrayEquals(said.tokens(), read.tokens());
        assertArrayEquals(said.logProbs(), read.logProbs());
        assertEquals(
                "[[-0.1,-2.5],[-1.0E-5,-12.25]]", Json.compact(said.columns().get("logprobs")));
        assertEquals(2, read.count());
        assertEquals(9, read.largest());
        // as text, as columns of Parquet have them, and with the completion's own tokens
        Map<String, Object> text = row(null, "[[1],[2]]", "[[-0.5],[0]]");
        assertArrayEquals(
                new int[] {1, 2},
                LikelyTokens.of(text, new int[] {1, 2}).orElseThrow().completion());
        assertEquals(Optional.empty(), LikelyTokens.of(Map.of("reward", 1L), new int[0]));
    }

    @Test
    void columnsThatDontFitAreRefused() {
        List<Object> ids = List.of(1L, 2L);
        List<Object> tokens = List.of(List.of(1L), List.of(2L));
        List<Object> logProbs = List.of(List.of(-0.5), List.of(-0.25));
        assertTrue(fault(ids, null, logProbs).contains("target_token_ids is missing"));
        assertTrue(fault(ids, tokens, List.of(List.of(-0.5))).contains("has 2 tokens"));
        assertTrue(fault(List.of(1L), tokens, logProbs).contains("has 1 tokens"));
        assertTrue(fault(List.of(-1L, 2L), tokens, logProbs).contains("token ids"));
        assertTrue(fault(ids, tokens, List.of(List.of(0.5), List.of(-0.25))).contains("0 at most"));
        List<Object> twice = List.of(List.of(1L, 1L), List.of(2L, 3L));
        List<Object> pairs = List.of(List.of(-1.5, -1.5), List.of(-1.0, -2.0));
        assertTrue(fault(ids, twice, pairs).contains("place 0"));
        List<Object> much = List.of(List.of(-0.1, -0.2), List.of(-1.0, -2.0));
        assertTrue(
                fault(ids, List.of(List.of(1L, 4L), List.of(2L, 3L)), much)
                        .contains("add up to 1 at most"));
        assertTrue(fault(ids, List.of(List.of(1L), List.of(2L, 3L)), logProbs).contains("place 1"));
    }
}
