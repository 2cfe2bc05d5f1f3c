package org.attune.agents.sandbox;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/// A process whose system lacks something either holds everything, or refuses and says what is
/// missing, for which guarantees, and what helps.
@Tag("thorough")
class LackingSystemTest {
    private static final String HOLDS = "holds: ";
    private static final Path UNSHARE = Path.of("/usr/bin/unshare");

    @TempDir Path folder;

    /// Opens a sandbox as the defaults do, and prints its guarantees or the refusal.
    public static void main(String[] args) throws InterruptedException {
        try (Sandbox sandbox = Sandbox.open(SandboxConfig.DEFAULTS)) {
            System.out.println(HOLDS + sandbox.guarantees().line());
        } catch (ConfigException e) {
            System.out.println(e.getMessage());
        }
    }

    @BeforeAll
    static void allHolds() throws InterruptedException {
        assumeTrue(Machine.here().isPresent(), "no Linux");
        try (Sandbox sandbox = Sandbox.open(SandboxConfig.DEFAULTS.withRequire(Set.of()))) {
            assumeTrue(sandbox.guarantees().holdAll(), sandbox.guarantees().line());
        }
    }

    /// As profiles of containers and older kernels do: some calls answer an error.
    @ParameterizedTest
    @CsvSource({
        "unshare=1, processes disk, unshare: errno 1|for namespaces",
        "setns=1, processes disk, setns: errno 1|for namespaces",
        "mount=1, processes disk, mount: errno 1|for namespaces",
        "mount_setattr=38, processes disk, mount_setattr: errno 38|Linux 5.12",
        "landlock_create_ruleset=95, '', Landlock ABI",
        "unshare=1 landlock_create_ruleset=95, files processes disk, no Landlock|lsm=",
        "seccomp=38, files network memory processes disk, seccomp: errno 38|CONFIG_SECCOMP",
        "capset=1, files network memory processes disk, capset: errno 1|seccomp=unconfined",
        "memfd_create=1, files network memory processes disk, memfd_create: errno 1"
    })
    void callsThatTheSystemRefuses(String refused, String lost, String told) throws Exception {
        Map<String, Integer> errors = new HashMap<>();
        for (String call : refused.split(" ")) {
            String[] parts = call.split("=");
            errors.put(parts[0], Integer.valueOf(parts[1]));
        }
        String output = outputWithout(errors);
        Set<String> missing = new TreeSet<>(Set.of(lost.split(" ")));
        missing.remove("");
        assertEquals(missing, missing(output), output);
        for (String text : told.split("\\|")) {
            // what holds without it names it no more
            assertEquals(!missing.isEmpty(), output.contains(text), output);
        }
    }

    /// Of a refusal, the guarantees that it tells to take out of `require`.
    private static Set<String> missing(String output) {
        if (output.startsWith(HOLDS)) {
            assertTrue(!output.contains("not guaranteed"), output);
            return Set.of();
        }
        int begin = output.indexOf("or take ");
        assertTrue(begin > 0, output);
        String names = output.substring(begin + 8, output.indexOf(" out of 'require'"));
        return new TreeSet<>(List.of(names.split(", ")));
    }

    private static List<String> java() {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                LackingSystemTest.class.getName());
    }

    private static String outputWithout(Map<String, Integer> errors) throws Exception {
        Machine machine = Machine.here().orElseThrow();
        List<CallRule> rules = new ArrayList<>();
        for (String call : machine.numbers().keySet()) {
            rules.addAll(
                    errors.containsKey(call)
                            ? CallRule.answer(call, errors.get(call))
                            : CallRule.pass(call));
        }
        var calls = new JailCalls(new CallList(machine));
        calls.need(JailStep.PRIVILEGES, "prctl", 38, 1); // PR_SET_NO_NEW_PRIVS
        CallFilter.install(calls, rules);
        calls.need(
                JailStep.EXEC,
                "execve",
                java().getFirst(),
                calls.list().texts(java()),
                calls.list().texts(List.of("PATH=/usr/bin:/bin")));
        calls.finish();
        try (var runner = CallRunner.make(new Kernel(machine))) {
            Process process = new ProcessBuilder(runner.path()).start();
            calls.list().write(process.getOutputStream());
            return output(process);
        }
    }

    private static String output(Process process) throws IOException {
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }

    private static String outputAfter(String preparation, List<String> command, String... options)
            throws IOException {
        assumeTrue(ProcessStat.isRoot(), "only root may mount");
        assumeTrue(Files.isExecutable(UNSHARE), "there is no " + UNSHARE);
        List<String> all = new ArrayList<>(List.of(UNSHARE.toString()));
        all.addAll(List.of(options));
        all.addAll(List.of("/bin/sh", "-c", preparation + " && exec \"$@\"", "sh"));
        all.addAll(command);
        return output(new ProcessBuilder(all).directory(Path.of("/").toFile()).start());
    }

    @Test
    void withoutControlGroupsALimitOfTheUserHolds() throws Exception {
        String output = outputAfter("mount -t tmpfs -o ro none /sys/fs/cgroup", java(), "--mount");
        assertTrue(output.startsWith(HOLDS), output);
        assertTrue(output.contains("a limit of its user keeps them"), output);
    }

    /// As Docker masks parts of it: no other can be mounted, and programs see none.
    @Test
    void whereProcIsMaskedProgramsSeeNone() throws Exception {
        List<String> command = OtherUser.java(folder, LackingSystemTest.class);
        String output = outputAfter("mount -t tmpfs none /proc/sys", command, "--mount");
        assertTrue(output.startsWith(HOLDS), output);
    }

    @Test
    void hiddenProcessesCannotBeCounted() throws Exception {
        List<String> command = OtherUser.java(folder, LackingSystemTest.class);
        String output = outputAfter("mount -t proc -o hidepid=2 proc /proc", command, "--mount");
        assertEquals(Set.of("processes"), missing(output), output);
        assertTrue(output.contains("remount,hidepid=0 /proc"), output);
    }

    @Test
    void aSettingThatForbidsNamespacesIsNamed() throws Exception {
        List<String> command =
                new ArrayList<>(List.of("setpriv", "--bounding-set=-all", "--inh-caps=-all"));
        command.addAll(java());
        String output =
                outputAfter(
                        "echo 0 > /proc/sys/user/max_user_namespaces",
                        command,
                        "--user",
                        "--map-root-user");
        assertEquals(Set.of("processes", "disk"), missing(output), output);
        assertTrue(output.contains("sysctl -w user.max_user_namespaces=10000"), output);
    }
}
