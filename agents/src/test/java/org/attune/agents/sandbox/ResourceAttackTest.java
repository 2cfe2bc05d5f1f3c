package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/// Programs that take more than is allowed don't get it, and leave nothing behind. Run where all is
/// guaranteed.
@Tag("thorough")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ResourceAttackTest {
    private static final long MIB = 1 << 20;

    private PythonHome python;
    private Sandbox sandbox;

    @BeforeAll
    void open() throws Exception {
        assumeTrue(Machine.here().isPresent(), "no Linux");
        Optional<PythonHome> found = PythonHome.find();
        assumeTrue(found.isPresent(), "there is no Python");
        python = found.get();
        List<Path> read = new ArrayList<>(python.folders());
        sandbox =
                Sandbox.open(
                        SandboxConfig.DEFAULTS
                                .withMemory(128 * MIB)
                                .withProcesses(8)
                                .withDisk(8 * MIB)
                                .withRequire(Set.of())
                                .withRead(read));
        assumeTrue(sandbox.guarantees().holdAll(), sandbox.guarantees().line());
    }

    @AfterAll
    void close() {
        if (sandbox != null) {
            sandbox.close();
        }
    }

    static Stream<ResourceAttack> attacks() {
        return ResourceAttack.all().stream();
    }

    @ParameterizedTest
    @MethodSource("attacks")
    void isHeld(ResourceAttack attack) throws Exception {
        long before = started();
        try (WorkFolder work = sandbox.folder()) {
            var command =
                    new ProgramCommand(
                            List.of(python.program().toString(), "-c", attack.code()),
                            Optional.empty(),
                            Map.of(),
                            false);
            try (RunningProgram program = sandbox.start(command, work, 2000)) {
                ProgramEnd end = program.await(Duration.ofSeconds(timeout(attack)));
                assertFalse(end.output().contains("ESCAPED"), end.toString());
            }
            for (int i = 0; started() > before && i < 250; i++) {
                Thread.sleep(20);
            }
            assertEquals(before, started(), "processes are left");
        }
    }

    /// Those that never end by themselves are given less.
    private static int timeout(ResourceAttack attack) {
        return List.of("deaf", "endless output").contains(attack.name()) ? 1 : 20;
    }

    private static long started() {
        return ProcessHandle.current().descendants().count();
    }
}
