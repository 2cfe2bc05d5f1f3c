package org.attune.trainers.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.images.Picture;
import org.attune.json.Json;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A held-out row before training and after it.
///
/// @param where file and line of the row; empty for prompts
/// @param prompt what was completed; empty for rows that were only measured
/// @param pictures names of the prompt's pictures, as in the run's completions
/// @param given the row's own answers by name, where the policy answered its prompt too
/// @param before what the evaluation before the first step found
/// @param after what the newest evaluation found
public record HeldOutRow(
        String where,
        String prompt,
        List<String> pictures,
        Map<String, String> given,
        Optional<Found> before,
        Optional<Found> after) {

    public HeldOutRow {
        pictures = List.copyOf(pictures);
        given = new LinkedHashMap<>(given);
    }

    /// What an evaluation found of a row.
    ///
    /// @param step optimizer steps done by then
    /// @param completion the first one of the prompt; empty for rows that were only measured
    /// @param values by metric, finite; of several completions their means
    public record Found(int step, String completion, Map<String, Double> values) {
        public Found {
            values = new LinkedHashMap<>(values);
            values.values().removeIf(v -> !Double.isFinite(v));
        }
    }

    /// A line of the file.
    String json(int number) {
        ObjectNode node = Json.object().put("row", number).put("where", where);
        node.put("prompt", prompt);
        if (!pictures.isEmpty()) {
            pictures.forEach(node.putArray("pictures")::add);
        }
        if (!given.isEmpty()) {
            ObjectNode answers = node.putObject("given");
            given.forEach(answers::put);
        }
        before.ifPresent(found -> put(node.putObject("before"), found));
        after.ifPresent(found -> put(node.putObject("after"), found));
        return Json.inUtf8(node.toString());
    }

    private static void put(ObjectNode node, Found found) {
        node.put("step", found.step()).put("completion", found.completion());
        ObjectNode values = node.putObject("values");
        found.values().forEach(values::put);
    }

    /// The rows of a file; a last line that was cut short is left out.
    ///
    /// @return empty if there is no such file
    public static List<HeldOutRow> read(Path file) throws IOException {
        List<HeldOutRow> rows = new ArrayList<>();
        if (Files.exists(file)) {
            for (String line : Files.readString(file).split("\n")) {
                if (line.endsWith("}")) {
                    rows.add(of(Json.tree(line)));
                }
            }
        }
        return rows;
    }

    private static HeldOutRow of(JsonNode node) {
        Map<String, String> given = new LinkedHashMap<>();
        node.path("given")
                .properties()
                .forEach(answer -> given.put(answer.getKey(), answer.getValue().asText()));
        List<String> pictures = new ArrayList<>();
        node.path("pictures").forEach(name -> pictures.add(name.asText()));
        return new HeldOutRow(
                node.path("where").asText(),
                node.path("prompt").asText(),
                pictures,
                given,
                found(node.path("before")),
                found(node.path("after")));
    }

    private static Optional<Found> found(JsonNode node) {
        if (!node.isObject()) {
            return Optional.empty();
        }
        Map<String, Double> values = new LinkedHashMap<>();
        node.path("values")
                .properties()
                .forEach(value -> values.put(value.getKey(), value.getValue().asDouble()));
        return Optional.of(
                new Found(node.path("step").asInt(), node.path("completion").asText(), values));
    }

    /// The small copy of a picture that held-out rows or completions of a run name.
    ///
    /// @param run its `output_dir`
    /// @param name as rows and completions have it
    /// @return a PNG file; empty if there is no copy
    public static Optional<byte[]> picture(Path run, String name) {
        return RunPictures.read(run, name);
    }

    /// The picture that held-out rows or completions of a run name.
    ///
    /// @param run its `output_dir`
    /// @param name as rows and completions have it
    /// @return empty if the run knows no file of it, or the file isn't there as it was
    public static Optional<Picture> original(Path run, String name) {
        return RunPictures.original(run, name);
    }
}
