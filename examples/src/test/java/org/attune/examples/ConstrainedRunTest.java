package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.Main;
import org.attune.text.HfTokenizer;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/// Runs whose completions keep to a pattern.
@Tag("thorough")
final class ConstrainedRunTest {
    private static final Path EXAMPLES =
            Path.of(System.getProperty("attune.root", ".."), "examples");

    @ParameterizedTest
    @ValueSource(strings = {"grpo", "rloo"})
    void everyCompletionMatches(String method, @TempDir Path folder) throws IOException {
        Path prompts =
                Files.writeString(
                        folder.resolve("prompts.jsonl"),
                        "{\"prompt\": \"Write backwards: 12\", \"answer\": \"21\"}\n".repeat(16));
        Path written = folder.resolve("rounds.jsonl");
        assertEquals(
                0,
                Main.run(
                        method,
                        EXAMPLES.resolve("quickstart/grpo.yaml").toString(),
                        "model_name_or_path=" + EXAMPLES.resolve("model"),
                        "datasets=" + prompts,
                        "eval_datasets=null",
                        "output_dir=" + folder.resolve("out"),
                        "record_rollouts=" + written,
                        "vllm_structured_outputs_regex='(no|yes){1,2}, [a-f]{3}'",
                        "per_device_train_batch_size=8",
                        "max_steps=1"));
        List<String> lines = Files.readAllLines(written);
        assertEquals(8, lines.size());
        try (var tokenizer = HfTokenizer.load(EXAMPLES.resolve("model"))) {
            for (String line : lines) {
                JsonNode ids = new ObjectMapper().readTree(line).path("completion_ids");
                String text =
                        tokenizer.decode(
                                IntStream.range(0, ids.size())
                                        .map(i -> ids.get(i).asInt())
                                        .toArray(),
                                true);
                assertTrue(text.matches("(no|yes){1,2}, [a-f]{3}"), text);
            }
        }
    }
}
