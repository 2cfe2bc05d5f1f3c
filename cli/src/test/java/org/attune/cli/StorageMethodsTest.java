package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.cli.config.LoadedRun;
import org.attune.cli.config.RunConfigReader;
import org.attune.error.CheckpointException;
import org.attune.error.ConfigException;
import org.attune.trainers.config.Resume;
import org.attune.trainers.config.RunConfig;
import org.attune.trainers.loop.PhaseClock;
import org.attune.trainers.loop.StopSignal;
import org.attune.trainers.loop.TrainingListener;
import org.attune.trainers.opening.TrainingMethod;
import org.attune.trainers.report.RunFolder;
import org.attune.trainers.run.Methods;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import picocli.CommandLine;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/// Whatever the method, a run survives its storage: a disk that is full before or in the middle of
/// a checkpoint, a flipped bit of one, and a second run in its folder. What goes on afterwards has
/// the bytes of a run that nothing happened to. All methods write by one engine, so a method of
/// each kind of state is tried, and the others by the tag `slow`.
@Tag("thorough")
class StorageMethodsTest {
    private static final int FULL = 2; // the step at which the disk is full
    private static final int STEPS = 3;

    /// Lets lines and small files be written, no weights.
    private static final int LITTLE = 12 << 10;

    /// Rows alone, a reference made beforehand, a critic, online pairs, a teacher that uses tools,
    /// a teacher with another tokenizer, rounds ahead, environments.
    private static final Set<String> KINDS =
            Set.of(
                    "sft",
                    "dpo",
                    "ppo",
                    "online_dpo",
                    "gkd_tools",
                    "gkd_across",
                    "grpo_ahead",
                    "grpo_environments");

    @TempDir private static Path folder;

    @BeforeAll
    static void rows() throws IOException {
        RankedMethods.rows(folder);
    }

    static Stream<String> methods() {
        return RankedMethods.all(Path.of("")).keySet().stream();
    }

    static Stream<String> others() {
        return methods().filter(method -> !KINDS.contains(method));
    }

    /// Trains within a session, as a command does.
    ///
    /// @param each is told after every step
    private static int train(String name, Path output, boolean resume, IntConsumer each) {
        RankedMethods.Run run = RankedMethods.all(folder).get(name);
        List<String> words = new ArrayList<>(RankedMethods.words(run, output));
        words.add("max_steps=" + STEPS);
        words.add("resume=" + resume);
        return train(Methods.named(run.method()).orElseThrow(), words, each);
    }

    private static <C extends Record & RunConfig> int train(
            TrainingMethod<C, ?> method, List<String> words, IntConsumer each) {
        List<String> all = new ArrayList<>(List.of(method.name()));
        all.addAll(words);
        String[] arguments = all.toArray(String[]::new);
        var out = new PrintWriter(new StringWriter());
        CommandLine line = Main.commandLine(out, out, arguments);
        var command = line.parseArgs(arguments).subcommand().commandSpec();
        LoadedRun<C> loaded = new RunConfigReader().read(method, Path.of(""), words).found();
        var listener =
                new TrainingListener() {
                    @Override
                    public void onStep(int step, long tokens, PhaseClock clock) {
                        each.accept(step);
                    }
                };
        return new TrainingSession(command, loaded, loaded.config())
                .run(
                        runs -> runs.train(method, loaded.config(), loaded.directory()),
                        new StopSignal(),
                        List.of(listener));
    }

    private static void fillDisk(String method, Path output, boolean resume, long left) {
        List<FileSizeLimit> full = new ArrayList<>();
        CheckpointException failure;
        try {
            failure =
                    assertThrows(
                            CheckpointException.class,
                            () ->
                                    train(
                                            method,
                                            output,
                                            resume,
                                            step -> {
                                                if (step == FULL) {
                                                    full.add(FileSizeLimit.of(left));
                                                }
                                            }));
        } finally {
            full.forEach(FileSizeLimit::close);
        }
        assertTrue(failure.getMessage().contains("free space"), failure.getMessage());
        assertTrue(Files.isDirectory(output.resolve("checkpoint-1")));
        assertFalse(Files.exists(output.resolve("checkpoint-" + FULL)), "half a checkpoint");
    }

    private static void assertSame(Path expected, Path got) throws IOException {
        String optimizer = "checkpoint-%d/optimizer.safetensors".formatted(STEPS);
        for (String file : List.of("adapter_model.safetensors", optimizer)) {
            assertArrayEquals(
                    Files.readAllBytes(expected.resolve(file)),
                    Files.readAllBytes(got.resolve(file)),
                    file);
        }
    }

    static Set<String> kinds() {
        return KINDS;
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void runSurvivesItsStorage(String method) throws IOException {
        survives(method);
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("others")
    void anyOtherRunSurvivesItsStorage(String method) throws IOException {
        survives(method);
    }

    private static void survives(String method) throws IOException {
        assumeTrue(FileSizeLimit.isKnown(), "limits of file sizes are set on Linux alone");
        Path whole = folder.resolve("whole").resolve(method);
        assertEquals(0, train(method, whole, false, step -> assertTaken(whole, step)));
        Path disturbed = folder.resolve("disturbed").resolve(method);
        fillDisk(method, disturbed, false, 0);
        fillDisk(method, disturbed, true, LITTLE);
        assertEquals(0, train(method, disturbed, true, _ -> {}));
        assertSame(whole, disturbed);

        flipBit(disturbed.resolve("checkpoint-" + FULL), method.hashCode());
        try (Stream<Path> last = Files.walk(disturbed.resolve("checkpoint-" + STEPS))) {
            last.sorted((a, b) -> b.compareTo(a)).forEach(file -> file.toFile().delete());
        }
        assertEquals(0, train(method, disturbed, true, _ -> {}));
        assertSame(whole, disturbed);
    }

    /// While a run is under way, no other one may write into its folder.
    private static void assertTaken(Path output, int step) {
        Resume resume = step == 1 ? new Resume.No() : new Resume.Latest();
        String message =
                assertThrows(
                                ConfigException.class,
                                () -> RunFolder.open(output, resume, List.<Optional<String>>of()))
                        .getMessage();
        assertTrue(message.contains("output_dir"), message);
    }

    /// @param any chooses the file
    private static void flipBit(Path checkpoint, int any) throws IOException {
        try (Stream<Path> all = Files.walk(checkpoint)) {
            List<Path> files =
                    all.filter(Files::isRegularFile).filter(f -> f.toFile().length() > 0).toList();
            Path file = files.get(Math.floorMod(any, files.size()));
            byte[] bytes = Files.readAllBytes(file);
            bytes[bytes.length / 2] ^= 1;
            Files.write(file, bytes);
        }
    }
}
