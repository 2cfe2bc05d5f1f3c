package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.testing.MpiRun;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// Two ranks under `mpirun` leave the bytes that one process leaves, whatever the method.
@Tag("ranks")
final class RankMethodsTest {
    private static final Duration PATIENCE = Duration.ofMinutes(20);

    @TempDir Path folder;

    @Test
    void everyMethodLeavesTheSameBytesOnTwoRanks() throws Exception {
        MpiRun two = MpiRun.of(2); // skips where there is no launcher
        RankedMethods.rows(folder);
        Path alone = train(MpiRun.of(1), "one");
        Path shared = train(two, "two");
        for (String method : RankedMethods.all(folder).keySet()) {
            for (String file :
                    List.of("adapter_model.safetensors", "checkpoint-2/optimizer.safetensors")) {
                assertArrayEquals(
                        Files.readAllBytes(alone.resolve(method).resolve(file)),
                        Files.readAllBytes(shared.resolve(method).resolve(file)),
                        method + "/" + file);
            }
            assertEquals(metrics(alone.resolve(method)), metrics(shared.resolve(method)), method);
        }
    }

    private Path train(MpiRun ranks, String name) {
        Path output = folder.resolve(name);
        Process job =
                ranks.with("--add-modules=jdk.incubator.vector")
                        .with("-Dattune.root=" + System.getProperty("attune.root", ".."))
                        .start(RankedMethods.class, "" + folder, "" + output, "all");
        MpiRun.Result result = MpiRun.await(job, PATIENCE);
        assertEquals(0, result.exitCode(), result.output());
        return output;
    }

    /// What was logged, without times and without what is told of several processes only.
    private static List<Map<String, Object>> metrics(Path folder) throws IOException {
        List<Map<String, Object>> all = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("metrics.jsonl"))) {
            Map<String, Object> entry =
                    new ObjectMapper().readValue(line, new TypeReference<>() {});
            entry.keySet().removeIf(k -> k.matches("ranks/.*|.*time.*|.*second.*"));
            all.add(entry);
        }
        assertTrue(all.toString().contains("grad_norm"), all.toString());
        return all;
    }
}
