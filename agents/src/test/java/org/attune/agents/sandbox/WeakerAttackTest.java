package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// The attacks where the kernel offers less, and by another user: what is guaranteed then is held,
/// and with the defaults the sandbox doesn't open if that isn't everything.
@Tag("thorough")
class WeakerAttackTest {
    private static final String NOBODY = "65534";

    private static Optional<PythonHome> python() throws InterruptedException {
        assumeTrue(Machine.here().isPresent(), "no Linux");
        Optional<PythonHome> python = PythonHome.find();
        assumeTrue(python.isPresent(), "there is no Python");
        return python;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "LANDLOCK",
                "NAMESPACES",
                "TASKS",
                "SESSION",
                "LIMITS",
                "SECCOMP",
                "PRIVILEGES",
                "NAMESPACES LANDLOCK"
            })
    void whatIsGuaranteedIsHeld(String steps) throws Exception {
        Set<JailStep> without = EnumSet.noneOf(JailStep.class);
        for (String step : steps.split(" ")) {
            without.add(JailStep.valueOf(step));
        }
        AttackRun.Outcome outcome = new AttackRun(python().get()).run(without);
        System.out.printf("without %s: %s%n", without, outcome);
        assertEquals(List.of(), outcome.escapes());
        assertFalse(outcome.guarantees().contains(AttackTest.FOUND), outcome.guarantees());
        if (outcome.guarantees().contains("not guaranteed")) {
            assertThrows(
                    ConfigException.class,
                    () -> Sandbox.open(SandboxConfig.DEFAULTS, without).close());
        } else {
            assertTrue(outcome.attempts() > 0);
        }
    }

    @Test
    void anotherUsersProgramsAreHeld(@TempDir Path folder) throws Exception {
        assumeTrue(ProcessStat.isRoot(), "only root may become another user");
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "there is no setpriv");
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "no Python for all");
        python();
        var command =
                new ArrayList<>(
                        List.of(
                                "/usr/bin/setpriv",
                                "--reuid=" + NOBODY,
                                "--regid=" + NOBODY,
                                "--clear-groups",
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-Djava.io.tmpdir=" + folder,
                                "-cp",
                                copied(folder),
                                AttackRun.class.getName()));
        var builder = new ProcessBuilder(command).directory(folder.toFile());
        builder.redirectErrorStream(true).environment().clear();
        builder.environment().put("PATH", "/usr/bin:/bin");
        Process process = builder.start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertFalse(output.contains(AttackTest.FOUND), output);
        assumeTrue(!output.contains("not guaranteed"), output);
        assertEquals(0, process.waitFor(), output);
        assertTrue(!output.contains("escape:"), output);
        assertTrue(output.contains("attempts: 1"), output);
        System.out.println(output);
    }

    /// The class path, where the other user may read it.
    private static String copied(Path folder) throws IOException {
        List<String> copies = new ArrayList<>();
        Set<String> parts = new LinkedHashSet<>();
        for (String part : System.getProperty("java.class.path").split(File.pathSeparator)) {
            parts.add(part);
        }
        for (String part : parts) {
            Path from = Path.of(part);
            Path to = folder.resolve("part" + copies.size());
            if (Files.isDirectory(from)) {
                copy(from, to);
            } else if (from.getFileName().toString().matches("(slf4j-api|attune)-.*")) {
                Files.copy(from, to);
            } else {
                continue;
            }
            copies.add(to.toString());
        }
        open(folder);
        return String.join(File.pathSeparator, copies);
    }

    private static void copy(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.walk(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(from.relativize(file)));
            }
        }
    }

    private static void open(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            files.forEach(file -> file.toFile().setReadable(true, false));
        }
        try (Stream<Path> files = Files.walk(folder)) {
            files.filter(Files::isDirectory).forEach(f -> f.toFile().setExecutable(true, false));
        }
        folder.toFile().setWritable(true, false);
    }
}
