package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.cli.Main;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A run whose last evaluation nothing judges ends as others do, and has no figure of it.
final class UnjudgedEvaluationTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));

    /// Judges what a step writes, and nothing of the one row that is held out.
    private static final String REWARD =
            """
            import module java.base;
            import org.attune.reward.*;

            public class Sometimes implements RewardFunction {
                @Override
                public List<OptionalDouble> score(RewardBatch batch) {
                    int count = batch.completions().size();
                    return IntStream.range(0, count)
                            .mapToObj(i -> count == 1 ? OptionalDouble.empty() : OptionalDouble.of(i))
                            .toList();
                }
            }
            """;

    @TempDir Path folder;

    @Tag("thorough")
    @Test
    void theRunEndsWithoutItsFigure() throws IOException {
        String row = "{\"prompt\": [{\"role\": \"user\", \"content\": \"2 1\"}]}\n";
        Files.writeString(folder.resolve("prompts.jsonl"), row.repeat(4));
        Files.writeString(folder.resolve("heldout.jsonl"), row);
        Files.writeString(folder.resolve("Sometimes.java"), REWARD);
        int code =
                Main.run(
                        "grpo",
                        ROOT.resolve("examples/quickstart/grpo.yaml").toString(),
                        "datasets=" + folder.resolve("prompts.jsonl"),
                        "eval_datasets=" + folder.resolve("heldout.jsonl"),
                        "reward_funcs=" + folder.resolve("Sometimes.java"),
                        "output_dir=" + folder.resolve("out"),
                        "on_reward_failure=continue",
                        "per_device_train_batch_size=8",
                        "max_steps=1");
        assertEquals(0, code);
        JsonNode summary = new ObjectMapper().readTree(folder.resolve("out/summary.json").toFile());
        assertTrue(summary.path("heldout").path("after").isNull(), summary.toPrettyString());
        assertTrue(Files.exists(folder.resolve("out/adapter_model.safetensors")));
        assertTrue(Files.exists(folder.resolve("out/report.html")));
    }
}
