package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

/// Programs that try to get out of the sandbox. One is run where the sandbox says that it keeps
/// what the program is after, and must find that this is so; elsewhere it is skipped.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class AttackTest {
    private static final Path SHELL = Path.of("/bin/sh");
    private static final String SECRET = "the-secret-text";
    private static final FileTime LONG_AGO = FileTime.from(Instant.ofEpochSecond(1_000_000_000));
    private static final long MIB = 1 << 20;

    private final SandboxConfig config =
            SandboxConfig.DEFAULTS.withMemory(128 * MIB).withProcesses(8).withDisk(8 * MIB);
    private final AtomicInteger connections = new AtomicInteger();
    private Sandbox sandbox;
    private Optional<PythonHome> python;
    private WorkFolder outside;
    private ServerSocket server;
    private Process victim;

    @BeforeAll
    void open() throws Exception {
        assumeTrue(Files.isExecutable(SHELL), "there is no " + SHELL);
        sandbox = Sandbox.open(config);
        python = PythonHome.find();
        System.out.printf("attacks: %d; %s%n", Attack.all().size(), sandbox.guarantees().line());
        outside = WorkFolder.make();
        Path secret = Files.writeString(outside.path().resolve("secret"), SECRET);
        Files.setLastModifiedTime(secret, LONG_AGO);
        server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().start(this::accept);
        var builder = new ProcessBuilder(SHELL.toString(), "-c", "read x");
        builder.environment().put("SECRET", SECRET);
        victim = builder.start();
    }

    private void accept() {
        try {
            while (true) {
                server.accept().close();
                connections.incrementAndGet();
            }
        } catch (IOException e) {
            return; // closed
        }
    }

    @AfterAll
    void close() throws IOException {
        if (sandbox == null) {
            return;
        }
        sandbox.close();
        victim.destroyForcibly();
        server.close();
        outside.close();
    }

    static Stream<Attack> attacks() {
        return Attack.all().stream();
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void staysInside(Attack attack) throws Exception {
        // what an attack does on its way must be kept as well
        assumeTrue(sandbox.guarantees().watchesProcesses());
        assumeTrue(
                attack.against() == Guarantee.PROCESSES && !attack.name().equals(Attack.DOUBLING)
                        || sandbox.guarantees().holds(attack.against()),
                attack.against().key() + " isn't guaranteed here");
        try (WorkFolder work = WorkFolder.make()) {
            String code =
                    attack.code()
                            .replace("OUT", outside.path().toString())
                            .replace("PORT", Integer.toString(server.getLocalPort()))
                            .replace("VICTIM", Long.toString(victim.pid()));
            RunningProgram program = sandbox.start(command(attack, code, work.path()), 2000);
            ProgramEnd end = program.await(Duration.ofSeconds(timeout(attack)));
            assertFalse(end.output().contains("ESCAPED"), end.toString());
            assertFalse(end.output().contains(SECRET), end.toString());
            assertWorldIsUntouched(program, work.path(), end);
        }
    }

    /// Those that never end by themselves are given less.
    private static int timeout(Attack attack) {
        return List.of("deaf", "silent", "endless output", "left behind").contains(attack.name())
                ? 1
                : 20;
    }

    private ProgramCommand command(Attack attack, String code, Path work) throws IOException {
        return switch (attack.language()) {
            case SHELL ->
                    new ProgramCommand(
                            List.of(SHELL.toString(), "-c", code),
                            work,
                            List.of(),
                            Map.of(),
                            false);
            case PYTHON -> {
                assumeTrue(python.isPresent(), "there is no Python");
                yield new ProgramCommand(
                        List.of(python.get().program().toString(), "-c", code),
                        work,
                        python.get().folders(),
                        Map.of(),
                        false);
            }
            case JAVA -> {
                Files.writeString(work.resolve("Main.java"), code);
                String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
                yield new ProgramCommand(
                        List.of(
                                java,
                                "-Xmx48m",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:ReservedCodeCacheSize=16m",
                                "Main.java"),
                        work,
                        List.of(),
                        Map.of(),
                        true);
            }
        };
    }

    private void assertWorldIsUntouched(RunningProgram program, Path work, ProgramEnd end)
            throws Exception {
        try (Stream<Path> files = Files.list(outside.path())) {
            assertEquals(List.of("secret"), files.map(f -> f.getFileName().toString()).toList());
        }
        Path secret = outside.path().resolve("secret");
        assertEquals(SECRET, Files.readString(secret));
        assertEquals(LONG_AGO, Files.getLastModifiedTime(secret));
        assertFalse(Files.isExecutable(secret) && !System.getProperty("user.name").equals("root"));
        assertEquals(0, connections.get());
        assertTrue(victim.isAlive(), end.toString());
        for (int i = 0; isRunning(program.pid()); i++) {
            assertTrue(i < 100, "processes are left: " + end);
            Thread.sleep(20);
        }
        try (Stream<Path> files = Files.walk(work)) {
            long bytes = files.mapToLong(f -> f.toFile().length()).sum();
            assertTrue(bytes < 1 << 30, bytes + " bytes were written");
        }
    }

    private static boolean isRunning(long group) {
        return ProcessStat.all().stream().anyMatch(process -> process.group() == group);
    }
}
