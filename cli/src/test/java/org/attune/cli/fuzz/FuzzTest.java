package org.attune.cli.fuzz;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

class FuzzTest {
    /// Generous: tests run on busy machines.
    private static final double SECONDS = 60;

    @TempDir Path folder;

    @TestFactory
    Stream<DynamicTest> samplesAreValid() {
        return Targets.all().stream()
                .map(
                        target ->
                                DynamicTest.dynamicTest(
                                        target.name(),
                                        () -> {
                                            Path place =
                                                    Files.createDirectory(
                                                            folder.resolve(target.name()));
                                            target.samples().getFirst().write(place);
                                            target.reader().read(place);
                                        }));
    }

    @Test
    void equalSeedsGiveEqualInputs() {
        for (Target target : Targets.all()) {
            int different = 0;
            for (int number = 0; number < 20; number++) {
                Sample input = FuzzChild.input(target, 5, number);
                Sample again = FuzzChild.input(target, 5, number);
                assertEquals(input.files().keySet(), again.files().keySet());
                input.files().forEach((n, b) -> assertArrayEquals(b, again.files().get(n), n));
                different += same(input, FuzzChild.input(target, 6, number)) ? 0 : 1;
            }
            assertTrue(different > 10, target.name());
        }
    }

    private static boolean same(Sample a, Sample b) {
        return a.files().keySet().equals(b.files().keySet())
                && a.files().entrySet().stream()
                        .allMatch(e -> Arrays.equals(e.getValue(), b.files().get(e.getKey())));
    }

    @Test
    void harmIsFound() throws InterruptedException {
        assertEquals(Optional.empty(), find(_ -> {}));
        assertEquals(
                Optional.empty(),
                find(
                        _ -> {
                            throw new DatasetException("rows.jsonl:1: wrong");
                        }));
        assertEquals(
                "NullPointerException",
                find(_ -> {
                            throw new NullPointerException();
                        })
                        .orElseThrow()
                        .what());
        assertEquals(
                "message",
                find(_ -> {
                            throw new DatasetException("x".repeat(2 << 20));
                        })
                        .orElseThrow()
                        .what());
        assertEquals(
                "memory",
                find(_ -> assertNotEquals(0, new byte[1 << 22].length)).orElseThrow().what());
        var end = new boolean[1];
        Find slow = find(_ -> spin(end)).orElseThrow();
        end[0] = true;
        assertEquals("processor time", slow.what());
    }

    private static void spin(boolean[] end) {
        while (!end[0]) {
            Thread.onSpinWait();
        }
    }

    private Optional<Find> find(Target.Reader reader) throws InterruptedException {
        return new Trial(0.5, 1 << 20).run(reader, folder, 0).find();
    }

    /// What the fuzzer found and what was mended since. Some of these inputs killed the process.
    @TestFactory
    Stream<DynamicTest> keptFindsAreReadOrRefused() throws IOException, URISyntaxException {
        Path kept = Path.of(FuzzTest.class.getResource("finds/README.md").toURI()).getParent();
        List<Path> finds;
        try (Stream<Path> folders = Files.list(kept)) {
            finds = folders.filter(Files::isDirectory).sorted().toList();
        }
        assertFalse(finds.isEmpty());
        return finds.stream()
                .map(
                        find ->
                                DynamicTest.dynamicTest(
                                        find.getFileName().toString(), () -> reread(find)));
    }

    private static void reread(Path find) throws Exception {
        String report = Files.readString(find.resolve(FuzzChild.REPORT));
        Target target = Targets.named(report.substring(0, report.indexOf(':'))).getFirst();
        Trial.Outcome outcome =
                new Trial(SECONDS, (long) target.megabytes() << 20)
                        .run(target.reader(), find, Sample.read(find).bytes());
        assertEquals("", outcome.find().map(Find::details).orElse(""));
    }
}
