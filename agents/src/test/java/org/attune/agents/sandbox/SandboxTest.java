package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

class SandboxTest {
    private static final Path SHELL = Path.of("/bin/sh");

    private static Sandbox sandbox;
    private WorkFolder work;

    @BeforeAll
    static void open() throws InterruptedException {
        sandbox = Sandbox.open(SandboxConfig.DEFAULTS.withProcesses(8).withRequire(Set.of()));
        System.out.println("sandbox: " + sandbox.guarantees().line());
    }

    @AfterAll
    static void close() {
        sandbox.close();
    }

    @BeforeEach
    void makeFolder() throws IOException, InterruptedException {
        work = sandbox.folder();
    }

    @AfterEach
    void deleteFolder() {
        work.close();
        assertTrue(work.spaces().isPresent() || Files.notExists(work.path()));
    }

    private ProgramEnd shell(String script, Duration timeout)
            throws IOException, InterruptedException {
        assumeTrue(Files.isExecutable(SHELL), "there is no " + SHELL);
        try (RunningProgram program =
                sandbox.start(
                        new ProgramCommand(
                                List.of(SHELL.toString(), "-c", script),
                                Optional.empty(),
                                Map.of("COLOUR", "red"),
                                false),
                        work,
                        100)) {
            return program.await(timeout);
        }
    }

    private ProgramEnd shell(String script) throws IOException, InterruptedException {
        return shell(script, Duration.ofSeconds(60));
    }

    @Test
    void bothOutputsAndTheExitCodeComeBack() throws Exception {
        ProgramEnd end = shell("echo one; echo two >&2; exit 3");
        assertEquals(new ProgramEnd("one\ntwo\n", 3, Optional.empty()), end);
    }

    @Test
    void aSignalIsAnExitCodeAbove128() throws Exception {
        assertEquals(128 + 11, shell("ulimit -c 0; kill -SEGV $$").exit());
    }

    @Test
    void theEnvironmentIsOnlyWhatIsNamed() throws Exception {
        String names = shell("env | cut -d= -f1 | sort | tr '\\n' ' '").output();
        assertEquals("COLOUR HOME LANG PATH PWD TMPDIR", names.replace("_ ", "").strip());
    }

    @Test
    void filesOfTheFolderStay() throws Exception {
        shell("mkdir sub; echo kept > sub/file; mv sub/file sub/moved; cp sub/moved copy");
        assertEquals("kept\n", shell("cat sub/moved").output());
        assertEquals("kept\n", shell("cat copy").output());
    }

    @Test
    void longOutputIsCutInTheMiddleWithANotice() throws Exception {
        String output =
                shell("i=0; while [ $i -lt 200000 ]; do echo aaaaaaaaa; i=$((i+1)); done; echo end")
                        .output();
        assertTrue(output.startsWith("aaaaaaaaa\n"), output);
        assertTrue(output.endsWith("aaaaaaaaa\nend\n"), output);
        assertTrue(output.contains("… 1999904 characters left out …"), output);
    }

    @Test
    void aProgramThatRunsTooLongIsEndedWithAllOfItsProcesses() throws Exception {
        ProgramEnd end = shell("sleep 1234 & echo started; sleep 1234", Duration.ofMillis(700));
        assertEquals(Optional.of(ProgramEnd.Limit.TIME), end.limit());
        assertTrue(end.output().startsWith("started\n"), end.output());
    }

    @Test
    void whatIsLeftBehindIsEnded() throws Exception {
        assumeTrue(sandbox.guarantees().watchesProcesses());
        long before = System.nanoTime();
        ProgramEnd end = shell("sleep 1234 & echo started");
        assertEquals(Optional.empty(), end.limit());
        assertTrue(System.nanoTime() - before < 30_000_000_000L);
        assertTrue(isGone("sleep 1234"), "a process still runs");
    }

    private static boolean isGone(String command) throws InterruptedException {
        for (int i = 0; i < 100; i++) {
            if (ProcessHandle.allProcesses()
                    .noneMatch(p -> p.info().commandLine().orElse("").endsWith(command))) {
                return true;
            }
            Thread.sleep(20);
        }
        return false;
    }

    @Test
    void aProgramReadsWhatIsSentAndAnswers() throws Exception {
        assumeTrue(Files.isExecutable(SHELL), "there is no " + SHELL);
        try (RunningProgram program =
                sandbox.start(
                        ProgramCommand.of(
                                SHELL.toString(),
                                "-c",
                                "while read -r x; do echo got $x; echo '#'; done"),
                        work,
                        100)) {
            for (String word : List.of("a", "b")) {
                program.send(word + "\n");
                assertEquals(
                        Optional.of("got " + word + "\n"),
                        program.receive("#\n", Duration.ofSeconds(60)));
            }
            assertEquals(0, program.await(Duration.ofSeconds(60)).exit());
        }
    }

    @Test
    void aProgramThatDoesNotExistIsTheWorldsFailure() {
        ProgramCommand command = ProgramCommand.of("/nowhere/program");
        assertThrows(
                IOException.class,
                () -> {
                    try (RunningProgram program = sandbox.start(command, work, 100)) {
                        program.await(Duration.ofSeconds(60));
                    }
                });
    }

    @Test
    void aFullFolderOfTheSystemEndsTheProgram() throws Exception {
        assumeTrue(Files.isExecutable(SHELL), "there is no " + SHELL);
        SandboxConfig small = SandboxConfig.DEFAULTS.withDisk(1 << 20).withRequire(Set.of());
        try (Sandbox weaker = Sandbox.open(small, Set.of(JailStep.NAMESPACES));
                WorkFolder folder = weaker.folder();
                RunningProgram program =
                        weaker.start(
                                ProgramCommand.of(
                                        SHELL.toString(),
                                        "-c",
                                        "i=0; while :; do head -c 500000 /dev/zero > f$i;"
                                                + " i=$((i+1)); sleep 0.01; done"),
                                folder,
                                100)) {
            assumeTrue(weaker.guarantees().holds(Guarantee.FILES));
            ProgramEnd end = program.await(Duration.ofSeconds(60));
            assertEquals(Optional.of(ProgramEnd.Limit.DISK), end.limit());
            folder.empty();
            try (var left = Files.list(folder.path())) {
                assertEquals(0, left.count());
            }
        }
    }

    @Test
    void whatIsMissingIsRefusedWithTheReason() {
        var missing = Guarantees.none("no jails on Plan 9", List.of("take Linux"));
        ConfigException e =
                assertThrows(
                        ConfigException.class,
                        () -> missing.require(EnumSet.of(Guarantee.FILES, Guarantee.NETWORK)));
        assertEquals(
                "the sandbox can't give what 'require' asks for on this machine: files: not"
                    + " guaranteed (no jails on Plan 9); network: not guaranteed (no jails on Plan"
                    + " 9). Run it where it can, or take files, network out of 'require' if the"
                    + " programs may be trusted that far. What helps: take Linux.",
                e.getMessage());
        missing.require(EnumSet.noneOf(Guarantee.class));
    }

    @Test
    void limitsThatNothingCanRunInAreRefused() {
        assertThrows(ConfigException.class, () -> SandboxConfig.DEFAULTS.withMemory(1 << 20));
        assertThrows(ConfigException.class, () -> SandboxConfig.DEFAULTS.withProcesses(0));
        assertThrows(ConfigException.class, () -> SandboxConfig.DEFAULTS.withDisk(1));
    }

    @Test
    void defaultsArePinned() {
        assertEquals(
                new SandboxConfig(
                        536870912, 32, 268435456, EnumSet.allOf(Guarantee.class), List.of()),
                SandboxConfig.DEFAULTS);
    }
}
