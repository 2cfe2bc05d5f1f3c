package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// What is left of a process that was killed: no program, and no folder after the next start.
@Tag("thorough")
class KilledTest {
    private static final String SLEEP = "4321";

    @TempDir Path folder;

    private final List<ProcessHandle> started = new ArrayList<>();

    /// Runs programs that don't end.
    public static void main(String[] args) throws Exception {
        Set<JailStep> without = EnumSet.noneOf(JailStep.class);
        for (String arg : args) {
            without.add(JailStep.valueOf(arg));
        }
        SandboxConfig config = SandboxConfig.DEFAULTS.withRequire(Set.of());
        try (Sandbox sandbox = Sandbox.open(config, without);
                WorkFolder work = sandbox.folder();
                RunningProgram program =
                        sandbox.start(
                                ProgramCommand.of(
                                        "/bin/sh",
                                        "-c",
                                        "(setsid sleep 4321 2>/dev/null &); sleep 4321 & echo"
                                                + " started; wait"),
                                work,
                                1000)) {
            System.out.println(program.receive("started\n", Duration.ofSeconds(60)).isPresent());
            program.await(Duration.ofMinutes(10));
        }
    }

    private Process start(String... without) throws Exception {
        assumeTrue(Machine.here().isPresent(), "no Linux");
        var command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                                "--enable-native-access=ALL-UNNAMED",
                                "-Djava.io.tmpdir=" + folder,
                                "-cp",
                                System.getProperty("java.class.path"),
                                KilledTest.class.getName()));
        command.addAll(List.of(without));
        Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
        var in =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        String line;
        do {
            line = in.readLine();
        } while (line != null && line.contains("sandbox")); // the log
        process.descendants().forEach(started::add);
        started.add(process.toHandle());
        assertEquals("true", line);
        return process;
    }

    private static long sleeping() {
        return ProcessHandle.allProcesses()
                .filter(p -> p.info().commandLine().orElse("").endsWith("sleep " + SLEEP))
                .count();
    }

    private List<Path> left() throws Exception {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> f.getFileName().toString().startsWith("attune-")).toList();
        }
    }

    @Test
    void programsEndWithIt() throws Exception {
        long before = sleeping();
        Process process = start();
        assumeTrue(sleeping() > before, "processes can't be seen");
        process.destroyForcibly().waitFor();
        for (int i = 0; sleeping() > before && i < 250; i++) {
            Thread.sleep(20);
        }
        assertEquals(before, sleeping());
    }

    @Test
    void foldersAreDeletedByTheNext() throws Exception {
        Process first = start("NAMESPACES");
        Process second = start("NAMESPACES");
        kill(first);
        assertEquals(2, left().size());
        Process third = start("NAMESPACES"); // must leave those of the second alone
        assertEquals(2, left().size());
        assertTrue(second.isAlive());
        kill(second);
        kill(third);
        kill(start());
        assertTrue(left().size() <= 1, left().toString());
    }

    private static void kill(Process process) throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    /// Without namespaces a program's processes may outlive this.
    @AfterEach
    void endWhatIsLeft() {
        started.forEach(ProcessHandle::destroyForcibly);
    }
}
