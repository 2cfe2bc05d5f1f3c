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
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/// Two ranks under `mpirun` leave the bytes that one process leaves, whatever the method.
@Tag("ranks")
final class RankMethodsTest {
    private static final Duration PATIENCE = Duration.ofMinutes(20);

    @TempDir Path folder;

    /// Pairs, a teacher with episodes, one with another tokenizer, one of each domain, a critic,
    /// rounds ahead, pictures whose features both ranks keep in one folder.
    @Test
    void methodsLeaveTheSameBytesOnTwoRanks() throws Exception {
        assertSameBytesOnTwoRanks(
                List.of(
                        "dpo",
                        "gkd_tools",
                        "gkd_across",
                        "distillation",
                        "ppo",
                        "grpo_ahead",
                        "sft_pictures"));
        Map<String, String> features = features("one");
        assertEquals(8, features.size(), "a file for each picture of two steps of four rows");
        assertEquals(features, features("two"));
    }

    /// Files of features of pictures by their names.
    private Map<String, String> features(String name) throws IOException {
        Map<String, String> all = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder.resolve("features-" + name))) {
            for (Path file : files.toList()) {
                byte[] bytes = Files.readAllBytes(file);
                all.put(file.getFileName().toString(), HexFormat.of().formatHex(bytes));
            }
        }
        return all;
    }

    /// The other tests start JVMs in a hurry, without the compiler that kernels need.
    @Test
    void kernelsLeaveTheSameBytesOnTwoRanks() throws Exception {
        MpiRun two = MpiRun.of(2); // skips where there is no launcher
        RankedMethods.rows(folder);
        String compiler = "-XX:TieredStopAtLevel=4";
        Path alone = train(MpiRun.of(1).with(compiler), "one", "grpo");
        Path shared = train(two.with(compiler), "two", "grpo");
        assertSameBytes(alone, shared, "grpo");
    }

    @Tag("slow")
    @Test
    void everyMethodLeavesTheSameBytesOnTwoRanks() throws Exception {
        assertSameBytesOnTwoRanks(List.copyOf(RankedMethods.all(folder).keySet()));
    }

    private void assertSameBytesOnTwoRanks(List<String> methods) throws Exception {
        MpiRun two = MpiRun.of(2); // skips where there is no launcher
        RankedMethods.rows(folder);
        Path alone = train(MpiRun.of(1), "one", String.join(",", methods));
        Path shared = train(two, "two", String.join(",", methods));
        for (String method : methods) {
            assertSameBytes(alone, shared, method);
        }
    }

    /// NCCL's stand-in carries what two simulated GPUs add up, and MPI what a processor does.
    @Test
    void simulatedGpusLeaveTheSameBytesWhateverCarriesTheirNumbers() throws Exception {
        MpiRun two = MpiRun.of(2); // skips where there is no launcher
        RankedMethods.rows(folder);
        Path alone = train(simulated(MpiRun.of(1)), "one", "grpo");
        MpiRun byNccl = simulated(two).with("-D" + RankedMethods.CARRIER + "=nccl");
        assertSameBytes(alone, train(byNccl, "nccl", "grpo"), "grpo");
        assertSameBytes(alone, train(simulated(MpiRun.of(2)), "mpi", "grpo"), "grpo");
    }

    private static MpiRun simulated(MpiRun ranks) {
        return ranks.with("-Dattune.device=simulated");
    }

    private static void assertSameBytes(Path alone, Path shared, String method) throws IOException {
        assertSameBytes(alone, shared, method, "adapter_model.safetensors");
    }

    private static void assertSameBytes(Path alone, Path shared, String method, String weights)
            throws IOException {
        for (String file : List.of(weights, "checkpoint-2/optimizer.safetensors")) {
            assertArrayEquals(
                    Files.readAllBytes(alone.resolve(method).resolve(file)),
                    Files.readAllBytes(shared.resolve(method).resolve(file)),
                    method + "/" + file);
        }
        assertEquals(metrics(alone.resolve(method)), metrics(shared.resolve(method)), method);
    }

    /// With the sums of gradients and the optimizer's state in parts, where a device has several
    /// passes in a step.
    @Tag("slow")
    @Test
    void gradientsInPartsLeaveTheSameBytes() throws Exception {
        MpiRun two = MpiRun.of(2); // skips where there is no launcher
        RankedMethods.rows(folder);
        String[] parts = {
            "zero_stage=2",
            "gradient_accumulation_steps=2",
            "per_device_train_batch_size=1",
            "max_grad_norm=0.1"
        };
        String some = "sft,dpo,grpo,ppo";
        Path alone = train(MpiRun.of(1), "one", some, parts);
        Path shared = train(two, "two", some, parts);
        for (String method : some.split(",")) {
            assertSameBytes(alone, shared, method);
        }
    }

    @Tag("slow")
    @Test
    void gradientsOfAllWeightsInPartsLeaveTheSameBytes() throws Exception {
        MpiRun two = MpiRun.of(2); // skips where there is no launcher
        RankedMethods.rows(folder);
        String[] all = {"zero_stage=2", "use_peft=false", "optim=lion_32bit"};
        Path alone = train(MpiRun.of(1), "one", "sft", all);
        Path shared = train(two, "two", "sft", all);
        assertSameBytes(alone, shared, "sft", "model.safetensors");
    }

    /// With each rank's part of the weights, of which it has a block only while it computes it.
    /// Methods with adapters are in the trainers' test of ranks.
    @Test
    void weightsInPartsLeaveTheSameBytes() throws Exception {
        MpiRun two = MpiRun.of(2); // skips where there is no launcher
        RankedMethods.rows(folder);
        Path whole = train(MpiRun.of(1), "whole", "sft", "zero_stage=2", "use_peft=false");
        Path parts = train(two, "parts", "sft", "zero_stage=3", "use_peft=false");
        assertSameBytes(whole, parts, "sft", "model.safetensors");
    }

    private Path train(MpiRun ranks, String name, String methods, String... words) {
        Path output = folder.resolve(name);
        List<String> arguments = new ArrayList<>(List.of("" + folder, "" + output, methods));
        arguments.addAll(List.of(words));
        Process job =
                ranks.with("--add-modules=jdk.incubator.vector")
                        .with("-Dattune.root=" + System.getProperty("attune.root", ".."))
                        .start(RankedMethods.class, arguments.toArray(String[]::new));
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
