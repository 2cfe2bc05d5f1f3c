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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

class SandboxProbeTest {
    private static final Map<Set<JailStep>, Guarantees> FOUND = new HashMap<>();
    private static final SandboxConfig CONFIG = SandboxConfig.DEFAULTS.withRequire(Set.of());

    /// Where a means is missing, what rests on it is no longer claimed.
    @ParameterizedTest
    @CsvSource({
        "NAMESPACES,PROCESSES DISK",
        "NAMESPACES LANDLOCK,FILES PROCESSES DISK",
        "SECCOMP,FILES NETWORK MEMORY PROCESSES DISK",
        "LIMITS,MEMORY DISK",
        "PRIVILEGES,FILES NETWORK MEMORY PROCESSES DISK"
    })
    void aWallThatIsMissingIsNoticed(String steps, String guarantees) throws Exception {
        assumeTrue(Machine.here().isPresent());
        Guarantees whole = guarantees(Set.of());
        Guarantees less = guarantees(set(JailStep.class, steps));
        Set<Guarantee> lost = set(Guarantee.class, guarantees);
        for (Guarantee guarantee : Guarantee.values()) {
            boolean isExpected = whole.holds(guarantee) && !lost.contains(guarantee);
            assertEquals(isExpected, less.holds(guarantee), guarantee + ": " + less.line());
        }
        // as the defaults do
        assertThrows(ConfigException.class, () -> less.require(Guarantee.all()));
    }

    private static <E extends Enum<E>> Set<E> set(Class<E> type, String names) {
        Set<E> set = EnumSet.noneOf(type);
        for (String name : names.split(" ")) {
            set.add(Enum.valueOf(type, name));
        }
        return set;
    }

    private static Guarantees guarantees(Set<JailStep> without) throws InterruptedException {
        if (!FOUND.containsKey(without)) {
            try (Sandbox sandbox = Sandbox.open(CONFIG, without)) {
                FOUND.put(without, sandbox.guarantees());
            }
        }
        return FOUND.get(without);
    }

    /// A claim that rests on nothing is seen by calls that get out.
    @ParameterizedTest
    @CsvSource({"SECCOMP,NETWORK", "LIMITS,MEMORY", "NAMESPACES,DISK"})
    void callsGetOutWhereNothingKeepsThem(JailStep step, Guarantee guarantee) throws Exception {
        assumeTrue(Machine.here().isPresent());
        try (HostFolders folders = HostFolders.make();
                var jails = new Jails(Machine.here().get(), List.of(), folders)) {
            jails.leaveOut(step);
            var probe = new SandboxProbe(jails);
            assertTrue(probe.escapes().containsKey(guarantee));
        }
    }

    /// Looking now and then guarantees nothing.
    @Test
    void withoutALimitOfTheKernelTheNumberOfProcessesIsNoGuarantee() throws Exception {
        assumeTrue(Machine.here().isPresent());
        try (HostFolders folders = HostFolders.make();
                var jails = new Jails(Machine.here().get(), List.of(), folders)) {
            while (jails.taskLimit().isPresent()) {
                jails.leaveOutTaskLimit();
            }
            Guarantees found = new SandboxProbe(jails).run(CONFIG);
            assumeTrue(found.watchesProcesses(), found.line());
            assertTrue(!found.holds(Guarantee.PROCESSES), found.line());
            assertTrue(found.line().contains("the kernel limits no number"), found.line());
            assertThrows(ConfigException.class, () -> found.require(Set.of(Guarantee.PROCESSES)));
        }
    }

    @Test
    void numbersOfCallsDifferBetweenMachines() {
        assertEquals(41, Machine.X86_64.number("socket"));
        assertEquals(198, Machine.AARCH64.number("socket"));
        assertTrue(!Machine.AARCH64.has("fork"));
    }
}
