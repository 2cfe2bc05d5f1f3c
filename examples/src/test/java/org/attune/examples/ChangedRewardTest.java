package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// A run that is resumed with a reward that was edited meanwhile.
@Tag("thorough")
final class ChangedRewardTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String JAVA =
            """
            import module java.base;
            import org.attune.reward.*;
            public class Mine implements RewardFunction {
                public List<OptionalDouble> score(RewardBatch batch) {
                    return Collections.nCopies(batch.size(), OptionalDouble.of(%s));
                }
            }
            """;
    @TempDir Path folder;

    private void train(String method, Path reward, String... more) {
        List<String> arguments =
                new ArrayList<>(
                        List.of(
                                method,
                                Path.of(System.getProperty("attune.root", ".."))
                                        .resolve("examples/quickstart/" + method + ".yaml")
                                        .toString(),
                                "model_name_or_path=" + folder.resolve("model"),
                                "datasets=" + folder.resolve("prompts.jsonl"),
                                "eval_datasets=" + folder.resolve("prompts.jsonl"),
                                "reward_funcs=" + reward,
                                "output_dir=" + folder.resolve("out"),
                                "per_device_train_batch_size=8",
                                "logging_steps=1",
                                "log_completions=false",
                                "save_strategy=steps",
                                "save_steps=1"));
        arguments.addAll(List.of(more));
        assertEquals(0, Main.run(arguments.toArray(String[]::new)));
    }

    @ParameterizedTest
    @ValueSource(strings = {"grpo", "ppo"})
    void isToldAndWhatWasBeforeIsMeasuredAgain(String method) throws IOException {
        new TinyModel(32, 2, 2)
                .write(
                        Files.createDirectories(folder.resolve("model")),
                        RandomSource.XO_SHI_RO_256_PP.create(1L));
        Files.writeString(
                folder.resolve("prompts.jsonl"),
                "{\"prompt\": \"Write backwards: 12\"}\n".repeat(8));
        Path source = folder.resolve("Mine.java");
        Files.writeString(source, JAVA.formatted("0.75"));
        train(method, source, "max_steps=1");
        Files.writeString(source, JAVA.formatted("0.25"));
        train(method, source, "max_steps=2", "resume=true");
        JsonNode summary = JSON.readTree(folder.resolve("out/summary.json").toFile());
        assertEquals(0.25, summary.path("heldout").path("before").asDouble(), summary::toString);
        assertEquals(0.25, summary.path("heldout").path("after").asDouble(), summary::toString);
        JsonNode row =
                JSON.readTree(Files.readAllLines(folder.resolve("out/heldout.jsonl")).getFirst());
        assertEquals(0.25, row.path("before").path("values").path("reward").asDouble());
        JsonNode facts = JSON.readTree(folder.resolve("out/run.json").toFile()).path("facts");
        String changed = facts.path("rewards_changed").asText();
        assertTrue(changed.equals("Mine at step 1"), facts::toString);
        String warned = Files.readString(folder.resolve("out/warnings.jsonl"));
        assertTrue(warned.contains("rewards changed: "), warned);
        Files.delete(folder.resolve("out/warnings.jsonl"));
        train(method, source, "max_steps=3", "resume=true"); // the same as the checkpoint's
        Path again = folder.resolve("out/warnings.jsonl"); // of steps without a gradient, for one
        String told = Files.exists(again) ? Files.readString(again) : "";
        assertTrue(!told.contains("rewards changed"), told);
    }
}
