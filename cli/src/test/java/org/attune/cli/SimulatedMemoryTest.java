package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;

import org.attune.testing.SimulatedMemory;
import org.attune.testing.SystemProperty;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.run.Methods;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Runs on a simulated GPU with little memory: what is computed at once is fitted to what it has,
/// and where nothing fits the message says what to reduce.
class SimulatedMemoryTest {
    @TempDir private Path folder;
    private final StringWriter said = new StringWriter();
    private SystemProperty device;

    @BeforeEach
    void allow() {
        device = SystemProperty.set("attune.device", "simulated");
    }

    @AfterEach
    void restore() {
        device.close();
    }

    private int run(String name, String memory, String... keys) throws IOException {
        TrainingMethod<?, ?> method = Methods.named(name).orElseThrow();
        List<String> words = new ArrayList<>(List.of(name, "--verbose"));
        words.addAll(MethodRows.shorter(method, 2));
        words.addAll(
                List.of(
                        "model_name_or_path=" + MethodRows.MODEL,
                        "datasets=" + MethodRows.write(method, folder),
                        "output_dir=" + folder.resolve("out"),
                        "use_peft=true",
                        "lora_dropout=0",
                        "logging_steps=1"));
        words.addAll(Arrays.asList(keys));
        String[] arguments = words.toArray(String[]::new);
        try (var _ = SimulatedMemory.beside(memory)) {
            return Main.commandLine(new PrintWriter(said), new PrintWriter(said), arguments)
                    .execute(arguments);
        }
    }

    private long peak() throws IOException {
        return new ObjectMapper()
                .readTree(folder.resolve("out/summary.json").toFile())
                .path("peak_device_bytes")
                .path("simulated")
                .asLong();
    }

    @Test
    void theSummaryTellsTheGpusPeak() throws IOException {
        assertEquals(0, run("sft", "1GiB"), said::toString);
        assertTrue(peak() > 1 << 16, () -> "it is " + said);
    }

    @Test
    void maxMemoryIsThatOfTheGpu() throws IOException {
        assertFalse(run("sft", "1GiB", "max_memory=1MiB") == 0, said::toString);
        assertTrue(
                said.toString().contains("max_memory: 1MiB is too little even for the smallest"),
                said::toString);
    }

    @Tag("thorough")
    @Test
    void theCacheIsSizedFromWhatIsLeft() throws IOException {
        String[] keys = {"reward_funcs=exact_answer", "max_completion_length=300"};
        assertEquals(0, run("grpo", "1GiB", keys), said::toString);
        long all = peak();
        // Beside weights that take a third of it: other slots and other passes.
        assertEquals(0, run("grpo", all * 2 / 3 + "", keys), said::toString);
        assertTrue(peak() < all, () -> "it was " + all);
    }

    @Test
    void aFullGpuIsToldWithWhatToReduce() throws IOException {
        assertFalse(run("sft", "5MiB", "tokens_per_micro_batch=2048") == 0, said::toString);
        assertTrue(said.toString().contains("simulated has no memory for more"), said::toString);
        assertTrue(said.toString().contains("lower tokens_per_micro_batch"), said::toString);
    }
}
