package org.attune.datasets.formats;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.BadRowPolicy;
import org.attune.datasets.DatasetLoader;
import org.attune.datasets.DatasetSource;
import org.attune.datasets.LoadedDataset;
import org.attune.datasets.SplitSpec;
import org.attune.datasets.rows.JsonValues;
import org.attune.files.HubCache;
import org.attune.testing.CaseReport;
import org.attune.testing.Fixtures;
import org.attune.text.Message;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// LLaMA-Factory's `dataset_info.json` and its formats, against the results of its code.
@Tag("fixtures-text")
class LlamaFactoryFixturesTest {
    private final Map<String, LoadedDataset> loaded = new LinkedHashMap<>();

    @Test
    void rowsMeanWhatLlamaFactoryMakesOfThem() throws Exception {
        Path dir = Fixtures.fixture("text/formats/llamafactory");
        try (var report = new CaseReport("fixtures-text", getClass())) {
            for (String line : Files.readString(dir.resolve("expected.jsonl")).split("\n")) {
                var expected = (Map<?, ?>) JsonValues.parse(line, "expected.jsonl");
                String name = (String) expected.get("dataset");
                Path folder = expected.containsKey("real_data") ? Fixtures.data("") : dir;
                report.run(
                        name + "[" + expected.get("row") + "]",
                        () -> check(folder, name, (long) expected.get("row"), expected));
            }
            for (String line : Files.readString(dir.resolve("v1-expected.jsonl")).split("\n")) {
                var expected = (Map<?, ?>) JsonValues.parse(line, "v1-expected.jsonl");
                report.run(
                        expected.get("file") + "[" + expected.get("row") + "]",
                        () -> checkTyped(expected));
            }
        }
    }

    private void check(Path folder, String name, long row, Map<?, ?> expected) {
        LoadedDataset dataset =
                loaded.computeIfAbsent(
                        folder + "#" + name,
                        _ ->
                                new DatasetLoader(folder, new HubCache(folder), BadRowPolicy.SKIP)
                                        .load(
                                                List.of(
                                                        new DatasetSource(
                                                                ".",
                                                                Optional.of(name),
                                                                Optional.empty(),
                                                                SplitSpec.TRAIN,
                                                                Map.of())),
                                                Set.of(DatasetType.values())));
        if (expected.get("normalised") == null) {
            assertTrue(
                    dataset.skipped().stream().anyMatch(note -> note.origin().row() == row),
                    () -> "row " + row + " should be a fault");
            return;
        }
        Sample sample =
                dataset.samples().stream()
                        .filter(s -> s.row().origin().row() == row)
                        .findFirst()
                        .orElseThrow();
        assertEquals(expected.get("normalised"), normalised(sample));
    }

    private static void checkTyped(Map<?, ?> expected) {
        Path file = Fixtures.data((String) expected.get("file"));
        Sample sample =
                new DatasetLoader(
                                file.getParent(),
                                new HubCache(file.getParent()),
                                BadRowPolicy.ERROR)
                        .load(
                                List.of(DatasetSource.of((String) expected.get("file"))),
                                Set.of(DatasetType.PREFERENCE))
                        .samples()
                        .get(Math.toIntExact((long) expected.get("row")));
        var pair = (Sample.Preference) sample;
        var result = new LinkedHashMap<String, Object>();
        for (String side : List.of("chosen", "rejected")) {
            var all = new ArrayList<>(turns(pair.prompt()));
            all.addAll(turns(side.equals("chosen") ? pair.chosen() : pair.rejected()));
            result.put(side, all.stream().map(Message::fields).toList());
        }
        assertEquals(expected.get("normalised"), result);
    }

    private static Map<String, Object> normalised(Sample sample) {
        var result = new LinkedHashMap<String, Object>();
        if (!sample.options().tools().isEmpty()) {
            result.put("tools", sample.options().tools());
        }
        switch (sample) {
            case Sample.LanguageModeling(Content.Text(String text), _, _) ->
                    result.put("text", text);
            case Sample.LanguageModeling(Content.Turns turns, _, _) ->
                    result.put("messages", messages(result, turns.messages()));
            case Sample.PromptCompletion row -> {
                var all = new ArrayList<>(messages(result, turns(row.prompt())));
                all.addAll(messages(result, turns(row.completion())));
                result.put("messages", all);
            }
            case Sample.Preference row -> {
                result.put("prompt", messages(result, turns(row.prompt())));
                result.put("chosen", messages(result, turns(row.chosen())));
                result.put("rejected", messages(result, turns(row.rejected())));
            }
            case Sample.UnpairedPreference row -> {
                result.put("prompt", messages(result, turns(row.prompt())));
                result.put("completion", messages(result, turns(row.completion())));
                result.put("label", row.label());
            }
            default -> throw new AssertionError(sample.toString());
        }
        return result;
    }

    private static List<Message> turns(Content content) {
        return ((Content.Turns) content).messages();
    }

    private static List<Object> messages(Map<String, Object> result, List<Message> messages) {
        var plain = new ArrayList<Object>();
        for (Message message : messages) {
            if (message.role().equals("system")) {
                result.put("system", message.content());
            } else {
                plain.add(message.fields());
            }
        }
        return plain;
    }
}
