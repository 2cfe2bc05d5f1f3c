package org.attune.episode;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.util.BitSet;
import java.util.List;

/// Rows of conversations, against those of TRL's worker.
@Tag("fixtures-agents")
final class ConversationRowsFixtureTest {
    @Test
    void everyCase() throws IOException {
        var mapper = new ObjectMapper();
        try (var report = new CaseReport("fixtures-agents", getClass())) {
            for (String line : Files.readAllLines(Fixtures.fixture("agents/reconcile.jsonl"))) {
                JsonNode c = mapper.readTree(line);
                report.run(c.get("name").asText(), () -> check(c));
            }
        }
    }

    private static void check(JsonNode c) {
        var rows = new ConversationRows(c.get("fork_threshold").asInt());
        for (JsonNode turn : c.get("turns")) {
            int[] answer = ints(turn.get("output_ids"));
            var trained = new BitSet();
            for (int i = 0; i < answer.length; i++) {
                trained.set(i, !turn.hasNonNull("mask") || turn.get("mask").get(i).asInt() == 1);
            }
            rows.add(ints(turn.get("prompt_ids")), answer, floats(turn.get("logprobs")), trained);
        }
        List<EpisodeRow> made = rows.rows();
        assertEquals(c.get("sequences").size(), made.size());
        for (int i = 0; i < made.size(); i++) {
            compare(c.get("sequences").get(i), made.get(i));
        }
        JsonNode tally = c.get("tally");
        assertEquals(
                new ConversationRows.Counts(
                        tally.get("clean").asInt(),
                        tally.get("realign").asInt(),
                        tally.get("fork").asInt(),
                        tally.get("drift_tokens").asInt(),
                        tally.get("drift_max").asInt()),
                rows.counts());
    }

    private static void compare(JsonNode expected, EpisodeRow row) {
        int[] ids = ints(expected.get("input_ids"));
        int prompt = row.promptIds().length;
        assertEquals(ids.length, prompt + row.ids().length);
        for (int i = 0; i < ids.length; i++) {
            assertEquals(ids[i], i < prompt ? row.promptIds()[i] : row.ids()[i - prompt]);
            boolean own = i >= prompt && !row.foreign().get(i - prompt);
            assertEquals(expected.get("mask").get(i).asInt() == 1, own, "token " + i);
            if (own) {
                assertEquals(
                        expected.get("logprobs").get(i).floatValue(), row.logProbs()[i - prompt]);
            }
        }
    }

    private static int[] ints(JsonNode array) {
        int[] all = new int[array.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = array.get(i).asInt();
        }
        return all;
    }

    private static float[] floats(JsonNode array) {
        float[] all = new float[array == null ? 0 : array.size()];
        for (int i = 0; i < all.length; i++) {
            all[i] = array.get(i).floatValue();
        }
        return all;
    }
}
