package org.attune.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.cli.Main;
import org.attune.examples.quickstart.TinyModel;
import org.attune.reward.task.Problem;
import org.attune.reward.task.Split;
import org.attune.reward.task.TaskRows;
import org.attune.reward.task.Tasks;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Log-probabilities of references that runs share, through the command line.
@Tag("thorough")
final class ReferenceCacheRunTest {
    @TempDir Path folder;
    private Path cache;

    @BeforeEach
    void writeModelsAndRows() throws IOException {
        cache = folder.resolve("cache");
        for (long seed : new long[] {1, 2}) {
            Path model = Files.createDirectories(folder.resolve("model-" + seed));
            new TinyModel(32, 2, 2).write(model, RandomSource.XO_SHI_RO_256_PP.create(seed));
        }
        for (long seed : new long[] {1, 2}) {
            List<Problem> problems = Tasks.of("reversal", "easy").generate(seed, 16, Split.TRAIN);
            TaskRows.writePairs(folder.resolve("pairs-" + seed + ".jsonl"), problems);
        }
    }

    @Tag("thorough")
    @Test
    void runsWithTheSameReferenceAndRowsShareIt() throws IOException {
        run("dpo", "first", "beta=0.1");
        Map<Path, FileTime> first = files();
        assertEquals(1, first.size());
        run("dpo", "second", "beta=0.5", "learning_rate=1e-4", "seed=7");
        assertEquals(first, files(), "only read");
        run("kto", "kto");
        assertEquals(3, files().size(), "completions, and mismatched ones");
        run("bco", "bco");
        assertEquals(4, files().size(), "BCO has other tokens");
    }

    @Tag("thorough")
    @Test
    void otherWeightsRowsAndFormatsHaveOtherFiles() throws IOException {
        run("dpo", "plain", "use_peft=false");
        Path second = folder.resolve("model-2");
        run("dpo", "other-reference", "use_peft=false", "ref_model_name_or_path=" + second);
        assertEquals(2, files().size());
        run("dpo", "other-rows", "use_peft=false", "datasets=" + pairs(2));
        assertEquals(3, files().size());
        run("dpo", "other-format", "use_peft=false", "dtype=bfloat16");
        assertEquals(4, files().size());
        run("dpo", "other-groups", "use_peft=false", "tokens_per_micro_batch=64");
        assertEquals(5, files().size());
    }

    /// One byte in the middle of the weights, where a sample of the file would miss it.
    @Test
    void everyByteOfTheWeightsCounts() throws IOException {
        run("dpo", "before");
        Path weights = folder.resolve("model-1/model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length / 2] ^= 1;
        Files.write(weights, bytes);
        run("dpo", "after");
        assertEquals(2, files().size());
    }

    @Test
    void aDamagedFileIsComputedAnew() throws IOException {
        List<JsonNode> first = run("dpo", "first");
        Path file = files().keySet().iterator().next();
        byte[] written = Files.readAllBytes(file);
        byte[] damaged = written.clone();
        damaged[damaged.length - 40] ^= 4;
        Files.write(file, damaged);
        List<JsonNode> second = run("dpo", "second");
        assertArrayEquals(written, Files.readAllBytes(file));
        for (int i = 0; i < first.size(); i++) {
            assertEquals(first.get(i).get("loss"), second.get(i).get("loss"));
        }
    }

    /// The numbers are those of a run that asks the reference in each step.
    @Test
    void precomputedNumbersAreTheLiveOnes() throws IOException {
        List<JsonNode> kept = run("kto", "kept");
        List<JsonNode> live = run("kto", "live", "precompute_ref_log_probs=false");
        for (int i = 0; i < live.size(); i++) {
            assertEquals(
                    live.get(i).get("loss").asDouble(), kept.get(i).get("loss").asDouble(), 1e-6);
        }
        assertNotEquals(live.getFirst().get("loss"), live.getLast().get("loss"));
    }

    /// A file stands where the folder should be.
    @Test
    void withoutAPlaceNothingIsKept() throws IOException {
        Files.writeString(cache, "in the way");
        run("dpo", "run");
        assertEquals("in the way", Files.readString(cache));
    }

    private Path pairs(int seed) {
        return folder.resolve("pairs-" + seed + ".jsonl");
    }

    private Map<Path, FileTime> files() throws IOException {
        Map<Path, FileTime> times = new TreeMap<>();
        try (Stream<Path> files = Files.list(cache)) {
            for (Path file : files.toList()) {
                times.put(file, Files.getLastModifiedTime(file));
            }
        }
        return times;
    }

    private List<JsonNode> run(String method, String name, String... more) throws IOException {
        var arguments =
                new ArrayList<>(
                        List.of(
                                method,
                                "model_name_or_path=" + folder.resolve("model-1"),
                                "datasets=" + pairs(1),
                                "output_dir=" + folder.resolve(name),
                                "precompute_ref_log_probs=true",
                                "precompute_ref_cache_dir=" + cache,
                                "dtype=float32",
                                "use_peft=true",
                                "learning_rate=1e-3",
                                "max_steps=3",
                                "per_device_train_batch_size=4",
                                "save_strategy=no",
                                "logging_steps=1"));
        arguments.addAll(List.of(more));
        assertEquals(0, Main.run(arguments.toArray(String[]::new)), () -> "" + arguments);
        var json = new ObjectMapper();
        List<JsonNode> logged = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve(name).resolve("metrics.jsonl"))) {
            JsonNode step = json.readTree(line);
            if (step.has("grad_norm")) {
                logged.add(step);
            }
        }
        return logged;
    }
}
