package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;

class SandboxProbeTest {
    /// What the probe finds if a step is left out is no longer claimed.
    @ParameterizedTest
    @CsvSource({"LANDLOCK,FILES", "SECCOMP,NETWORK", "LIMITS,MEMORY"})
    void aWallThatIsMissingIsNoticed(JailStep step, Guarantee guarantee) throws Exception {
        assumeTrue(Machine.here().isPresent());
        assumeTrue(kept().contains(guarantee), guarantee + " isn't guaranteed here");
        try (var jails = new Jails(Machine.here().get())) {
            jails.leaveOut(step);
            Guarantees found = new SandboxProbe(jails, readable()).run(SandboxConfig.DEFAULTS);
            System.out.println("without " + step + ": " + found.line());
            assertTrue(!found.holds(guarantee), found.line());
        }
    }

    /// Looking now and then guarantees nothing.
    @Test
    void withoutALimitOfTheKernelTheNumberOfProcessesIsNoGuarantee() throws Exception {
        assumeTrue(Machine.here().isPresent());
        try (var jails = new Jails(Machine.here().get())) {
            while (jails.taskLimit().isPresent()) {
                jails.leaveOutTaskLimit();
            }
            Guarantees found = new SandboxProbe(jails, readable()).run(SandboxConfig.DEFAULTS);
            assumeTrue(found.watchesProcesses(), found.line());
            assertTrue(!found.holds(Guarantee.PROCESSES), found.line());
            assertTrue(found.line().contains("the kernel limits no number"), found.line());
            assertThrows(ConfigException.class, () -> found.require(Set.of(Guarantee.PROCESSES)));
        }
    }

    private static Set<Guarantee> kept() throws InterruptedException {
        try (Sandbox sandbox = Sandbox.open(SandboxConfig.DEFAULTS)) {
            Set<Guarantee> kept = EnumSet.allOf(Guarantee.class);
            kept.removeIf(guarantee -> !sandbox.guarantees().holds(guarantee));
            return kept;
        }
    }

    private static List<String> readable() {
        return List.of("/usr", "/bin", "/lib", "/lib64", "/etc", System.getProperty("java.home"));
    }

    @Test
    void numbersOfCallsDifferBetweenMachines() {
        assertEquals(41, Machine.X86_64.number("socket"));
        assertEquals(198, Machine.AARCH64.number("socket"));
        assertTrue(!Machine.AARCH64.has("fork"));
    }
}
