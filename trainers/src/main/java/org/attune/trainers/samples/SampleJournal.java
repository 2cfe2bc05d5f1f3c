package org.attune.trainers.samples;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;

import org.attune.error.ConfigException;
import org.attune.files.ContinuedFile;
import org.attune.json.Json;
import org.attune.trainers.examples.LikelyTokens;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ObjIntConsumer;

/// What was sampled so far, a line for each prompt in their order. A run that was interrupted goes
/// on behind its last line, and another choice from the same completions samples nothing again.
final class SampleJournal implements AutoCloseable {

    private static final TypeReference<Map<String, Object>> COLUMNS = new TypeReference<>() {};

    private final Path file;
    private final ContinuedFile lines;

    private SampleJournal(Path file, ContinuedFile lines) {
        this.file = file;
        this.lines = lines;
    }

    /// @param file [SampleOutputConfig#samples]
    /// @param settings that the completions depend on
    /// @param prompts their number
    /// @throws ConfigException if it was begun with other settings
    static SampleJournal open(Path file, Map<String, String> settings, int prompts) {
        return new SampleJournal(file, ContinuedFile.open("samples_file", file, settings, prompts));
    }

    /// Prompts that were there when it was opened.
    int before() {
        return lines.lines();
    }

    void append(List<ScoredCompletion> completions) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("completions", completions.stream().map(ScoredCompletion::text).toList());
        line.put(
                "finish_reasons",
                completions.stream().map(ScoredCompletion::finishReason).toList());
        line.put("completion_tokens", completions.stream().map(ScoredCompletion::tokens).toList());
        Map<String, Object> rewards = new LinkedHashMap<>();
        for (String name : completions.getFirst().rewards().keySet()) {
            rewards.put(
                    name, completions.stream().map(c -> orNull(c.rewards().get(name))).toList());
        }
        line.put("rewards", rewards);
        line.put("reward", completions.stream().map(c -> orNull(c.reward())).toList());
        if (completions.getFirst().likely().isPresent()) {
            line.put(
                    "likely",
                    completions.stream().map(c -> c.likely().orElseThrow().columns()).toList());
        }
        lines.append(Json.compact(line));
    }

    private static Object orNull(double value) {
        return Double.isNaN(value) ? NullNode.getInstance() : value;
    }

    /// Reads all prompts' completions.
    ///
    /// @param receiver gets those of one prompt, and its number
    void read(ObjIntConsumer<List<ScoredCompletion>> receiver) {
        try (BufferedReader reader = Files.newBufferedReader(file)) {
            String line;
            for (int prompt = 0; (line = reader.readLine()) != null; prompt++) {
                receiver.accept(completions(Json.tree(line)), prompt);
            }
        } catch (IOException e) {
            throw new ConfigException(
                    "%s can't be read: %s; remove it to sample again".formatted(file, e), e);
        }
    }

    private static List<ScoredCompletion> completions(JsonNode line) {
        List<ScoredCompletion> completions = new ArrayList<>();
        for (int i = 0; i < line.path("completions").size(); i++) {
            Map<String, Double> rewards = new LinkedHashMap<>();
            for (Map.Entry<String, JsonNode> reward : line.path("rewards").properties()) {
                rewards.put(reward.getKey(), number(reward.getValue().path(i)));
            }
            completions.add(
                    new ScoredCompletion(
                            line.path("completions").path(i).asText(),
                            line.path("finish_reasons").path(i).asText(),
                            line.path("completion_tokens").path(i).asInt(),
                            rewards,
                            number(line.path("reward").path(i)),
                            likely(line.path("likely").path(i))));
        }
        return completions;
    }

    private static Optional<LikelyTokens> likely(JsonNode told) {
        return told.isObject()
                ? LikelyTokens.of(Json.MAPPER.convertValue(told, COLUMNS), new int[0])
                : Optional.empty();
    }

    private static double number(JsonNode value) {
        return value.isNumber() ? value.asDouble() : Double.NaN;
    }

    @Override
    public void close() {
        lines.close();
    }
}
