package org.attune.ranks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.CollectiveException;
import org.attune.json.Json;
import org.junit.jupiter.api.Test;
import org.mockito.Mockito;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

final class RankAgreementTest {
    private static Collective ranks(List<Map<String, String>> all) {
        var ranks = Mockito.mock(Collective.class);
        byte[][] texts =
                all.stream()
                        .map(facts -> Json.write(facts).getBytes(StandardCharsets.UTF_8))
                        .toArray(byte[][]::new);
        Mockito.when(ranks.allGather(Mockito.anyString(), Mockito.any(byte[].class)))
                .thenReturn(texts);
        Mockito.when(ranks.where(Mockito.anyInt()))
                .thenAnswer(call -> "rank %d on node%1$d".formatted(call.<Integer>getArgument(0)));
        return ranks;
    }

    @Test
    void saysWhoHasWhatElse() {
        Map<String, String> first = Map.of("data: train.jsonl", "1f2e");
        Map<String, String> other = Map.of("data: train.jsonl", "9a8b");
        var failure =
                assertThrows(
                        CollectiveException.class,
                        () -> RankAgreement.require(ranks(List.of(first, first, other)), first));
        assertEquals(
                "ranks don't have the same: rank 2 on node2 has data: train.jsonl 9a8b, rank 0 on"
                        + " node0 has 1f2e. All ranks need the same program, configuration, model"
                        + " and data",
                failure.getMessage());
    }

    @Test
    void agreesWithEquals() {
        Map<String, String> facts = Map.of("a", "1", "b", "2");
        RankAgreement.require(ranks(List.of(facts, facts)), facts);
        RankAgreement.require(new SingleProcess(), facts);
    }

    @Test
    void namesWhatIsMissing() {
        var failure =
                assertThrows(
                        CollectiveException.class,
                        () ->
                                RankAgreement.require(
                                        ranks(List.of(Map.of(), Map.of("adapter", "x".repeat(99)))),
                                        Map.of()));
        String message = failure.getMessage();
        assertTrue(message.contains("adapter " + "x".repeat(60) + "…,"), message);
        assertTrue(message.contains("rank 0 on node0 has not at all"), message);
    }
}
