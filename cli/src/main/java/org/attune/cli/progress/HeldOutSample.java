package org.attune.cli.progress;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.json.Json;
import org.attune.trainers.loop.CompletionTable;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// The part of an evaluation's completions that is kept.
///
/// @param size completions judged
/// @param right how many have reward 1, if all have 0 or 1
/// @param completions the first one of each of the first prompts
record HeldOutSample(int size, Optional<Integer> right, List<Judged> completions) {
    private static final int KEPT = 5;

    /// A completion with the weighted sum of its rewards, NaN if it has none; texts are visible.
    record Judged(String prompt, String completion, double reward) {}

    static HeldOutSample of(CompletionTable table) {
        int size = table.batch().size();
        int right = 0;
        boolean counted = true;
        for (int i = 0; i < size; i++) {
            double reward = table.rewards().total(i);
            counted &= reward == 0 || reward == 1;
            right += reward == 1 ? 1 : 0;
        }
        List<Judged> first = new ArrayList<>();
        for (int i = 0; i < size && first.size() < KEPT; i += table.generations()) {
            first.add(
                    new Judged(
                            CompletionsPrinter.question(table.batch().prompts().get(i)),
                            ShownCompletion.of(table.batch().completions().get(i)),
                            table.rewards().total(i)));
        }
        return new HeldOutSample(
                size, counted ? Optional.of(right) : Optional.empty(), List.copyOf(first));
    }

    String toJson() {
        ObjectNode node = Json.object().put("size", size);
        right.ifPresent(r -> node.put("right", r));
        ArrayNode rows = node.putArray("completions");
        for (Judged row : completions) {
            ObjectNode cells = rows.addObject();
            cells.put("prompt", row.prompt()).put("completion", row.completion());
            if (!Double.isNaN(row.reward())) {
                cells.put("reward", row.reward());
            }
        }
        return Json.inUtf8(node.toPrettyString());
    }

    static HeldOutSample ofJson(String text) throws JsonProcessingException {
        JsonNode node = Json.tree(text);
        List<Judged> rows = new ArrayList<>();
        for (JsonNode row : node.path("completions")) {
            rows.add(
                    new Judged(
                            row.path("prompt").asText(),
                            row.path("completion").asText(),
                            row.path("reward").asDouble(Double.NaN)));
        }
        return new HeldOutSample(
                node.path("size").asInt(),
                node.has("right") ? Optional.of(node.get("right").asInt()) : Optional.empty(),
                List.copyOf(rows));
    }
}
