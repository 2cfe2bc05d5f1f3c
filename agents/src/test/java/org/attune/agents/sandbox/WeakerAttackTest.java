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

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The attacks where the kernel offers less, and by another user: what is guaranteed then is held,
/// and with the defaults the sandbox doesn't open if that isn't everything.
@Tag("thorough")
class WeakerAttackTest {
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
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/python3")), "no Python for all");
        python();
        List<String> command = OtherUser.java(folder, AttackRun.class);
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
}
