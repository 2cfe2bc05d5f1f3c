package org.attune.trainers.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.json.Json;
import org.attune.rollout.FinishedListener;
import org.attune.rollout.RolloutPrompt;
import org.attune.rollout.RolloutSource;
import org.attune.rollout.SampledCompletion;
import org.attune.rollout.StopReason;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// Completions that a run of TRL wrote, in their order.
public record WrittenCompletions(Iterator<JsonNode> lines) implements RolloutSource {
    /// @param file lines with `prompt_ids` and `completion_ids`
    public static WrittenCompletions of(Path file) {
        List<JsonNode> lines = new ArrayList<>();
        try {
            for (String line : Files.readAllLines(file)) {
                lines.add(Json.STRICT_WITH_NAN.readTree(line));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return new WrittenCompletions(lines.iterator());
    }

    @Override
    public List<SampledCompletion> complete(
            List<RolloutPrompt> prompts, long round, FinishedListener listener) {
        return prompts.stream()
                .map(
                        prompt -> {
                            JsonNode line = lines.next();
                            assertArrayEquals(ints(line.get("prompt_ids")), prompt.ids());
                            int[] ids = ints(line.get("completion_ids"));
                            return new SampledCompletion(
                                    ids, new float[ids.length], StopReason.STOP_TOKEN);
                        })
                .toList();
    }

    private static int[] ints(JsonNode values) {
        int[] ints = new int[values.size()];
        for (int i = 0; i < ints.length; i++) {
            ints[i] = values.get(i).asInt();
        }
        return ints;
    }

    @Override
    public boolean isOnPolicy() {
        return true;
    }
}
