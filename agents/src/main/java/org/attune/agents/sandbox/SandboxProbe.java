package org.attune.agents.sandbox;

import org.attune.agents.sandbox.Guarantees.Claim;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Finds out what jails keep on this machine, by programs that try to get out of one.
final class SandboxProbe {
    private static final Logger log = LoggerFactory.getLogger(SandboxProbe.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int MOST = 1 << 16;
    private static final long MEMORY = 256L << 20; // of the probe, whatever is configured
    private static final int PROCESSES = 8;
    private static final Path SHELL = Path.of("/bin/sh");
    private static final String PRIVATE = "rw-------";

    /// Starts a process that tries to leave the group, then many more than are allowed.
    private static final String MANY =
            "setsid sleep 60 2>/dev/null & echo $!; i=0; while [ $i -lt 40 ]; do sleep 60 &"
                    + " i=$((i+1)); done; wait";

    /// Says of each of more processes than the kernel is to allow whether it could be started.
    private static final String MORE =
            "i=0; while [ $i -lt 60 ]; do sleep 5 & i=$((i+1)); done; echo started all";

    private static final int FEW_TASKS = 20;

    private final Jails jails;
    private final List<String> read;
    private final Map<JailStep, String> refused = new EnumMap<>(JailStep.class);

    SandboxProbe(Jails jails, List<String> read) {
        this.jails = jails;
        this.read = read;
    }

    /// @param config names the limits in what is claimed; the probe's own are smaller
    Guarantees run(SandboxConfig config) throws IOException, InterruptedException {
        Path outside = Files.createTempDirectory("attune-outside-");
        Path work = Files.createTempDirectory("attune-probe-");
        try {
            Path secret = Files.writeString(outside.resolve("secret"), "secret");
            Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString(PRIVATE));
            Map<Guarantee, List<String>> found = escapes(outside, work);
            Map<Guarantee, Claim> claims = new EnumMap<>(Guarantee.class);
            claims.put(Guarantee.FILES, claim(found, Guarantee.FILES, JailStep.LANDLOCK, files()));
            claims.put(
                    Guarantee.NETWORK,
                    claim(found, Guarantee.NETWORK, JailStep.SECCOMP, "seccomp"));
            claims.put(
                    Guarantee.MEMORY,
                    claim(
                            found,
                            Guarantee.MEMORY,
                            JailStep.LIMITS,
                            "%d MiB per process".formatted(config.memory() >> 20)));
            Optional<String> escaped = many(work);
            escaped.ifPresent(how -> add(found, Guarantee.PROCESSES, how));
            claims.put(Guarantee.PROCESSES, processes(found, config, work));
            return new Guarantees(claims);
        } finally {
            WorkFolder.delete(outside);
            WorkFolder.delete(work);
        }
    }

    private Claim processes(Map<Guarantee, List<String>> found, SandboxConfig config, Path work)
            throws IOException, InterruptedException {
        if (config.processes() == 1) {
            return claim(found, Guarantee.PROCESSES, JailStep.SESSION, "one");
        }
        String watched = "at most %d, %s".formatted(config.processes(), Guarantees.WATCHED);
        Optional<String> limit = taskLimit(work);
        Claim claim =
                claim(
                        found,
                        Guarantee.PROCESSES,
                        JailStep.SESSION,
                        "%s; %s keeps them and their threads below %d"
                                .formatted(
                                        watched,
                                        limit.orElse(""),
                                        Math.max(Jails.TASKS, 2 * config.processes())));
        return claim.holds() && limit.isEmpty()
                ? Claim.not(
                        watched
                                + "; the kernel limits no number of processes here, as it doesn't"
                                + " for root where no control group can be made")
                : claim;
    }

    /// What really holds a program below a number of processes.
    private Optional<String> taskLimit(Path work) throws IOException, InterruptedException {
        while (jails.taskLimit().isPresent()) {
            if (startsSome(work) && startsNotAll(work)) {
                return jails.taskLimit();
            }
            log.debug("the sandbox goes without {}", jails.taskLimit());
            jails.leaveOutTaskLimit();
        }
        return Optional.empty();
    }

    /// A user may have more processes than can be seen from here; then none could be started.
    private boolean startsSome(Path work) throws IOException, InterruptedException {
        return output(work, "sleep 0 & wait; echo started", Jails.TASKS).endsWith("started");
    }

    private boolean startsNotAll(Path work) throws IOException, InterruptedException {
        String output = output(work, MORE, FEW_TASKS);
        return !output.contains("started all") && output.contains("fork");
    }

    private String output(Path work, String script, int tasks)
            throws IOException, InterruptedException {
        var program =
                new ProgramCommand(
                        List.of(SHELL.toString(), "-c", script), work, List.of(), Map.of(), false);
        try (RunningProgram running =
                jails.start(program, limits(), read, Jails.mark(), MOST, tasks)) {
            return running.await(Duration.ofSeconds(3)).output().strip();
        } catch (IOException e) {
            return e.toString(); // the system refuses this limit
        }
    }

    private String files() {
        return "Landlock ABI " + jails.abi();
    }

    private Claim claim(
            Map<Guarantee, List<String>> found, Guarantee of, JailStep step, String means) {
        List<String> ways = found.getOrDefault(of, List.of());
        if (ways.isEmpty()) {
            return Claim.by(means);
        }
        if (step == JailStep.LANDLOCK && jails.abi() == 0) {
            return Claim.not("this kernel has no Landlock");
        }
        String reason = refused.get(step);
        return Claim.not(
                reason == null
                        ? "a program in it " + String.join(", ", ways)
                        : "the system refuses it: " + reason);
    }

    /// What a program found open, by kind. Steps that the system refuses are left out, until the
    /// program starts.
    private Map<Guarantee, List<String>> escapes(Path outside, Path work)
            throws IOException, InterruptedException {
        Process victim = jails.take();
        try (var server = new ServerSocket(0, 0, InetAddress.getLoopbackAddress())) {
            List<String> command =
                    jails.files()
                            .probe(
                                    outside.toString(),
                                    Integer.toString(server.getLocalPort()),
                                    Long.toString(victim.pid()),
                                    Long.toString(2 * MEMORY));
            String output = output(command, work);
            Map<Guarantee, List<String>> found = new EnumMap<>(Guarantee.class);
            List<String> lines = output.lines().toList();
            if (lines.isEmpty() || !lines.getLast().equals(JailProbe.DONE)) {
                throw new IOException(
                        "the probe of the sandbox ended early: "
                                + (lines.isEmpty() ? "it wrote nothing" : lines.getFirst()));
            }
            for (String line : lines.subList(0, lines.size() - 1)) {
                add(line, found);
            }
            if (!victim.isAlive()) {
                add(found, Guarantee.PROCESSES, "ends other processes");
            }
            if (!isUntouched(outside.resolve("secret"))) {
                add(found, Guarantee.FILES, "changes others' files");
            }
            return found;
        } finally {
            victim.destroyForcibly();
        }
    }

    private static boolean isUntouched(Path secret) throws IOException {
        return Files.exists(secret)
                && Files.readString(secret).equals("secret")
                && PosixFilePermissions.toString(Files.getPosixFilePermissions(secret))
                        .equals(PRIVATE);
    }

    private static void add(String line, Map<Guarantee, List<String>> found) {
        for (Guarantee guarantee : Guarantee.values()) {
            if (line.startsWith(guarantee.key() + ": ")) {
                add(found, guarantee, line.substring(guarantee.key().length() + 2));
            }
        }
    }

    private static void add(Map<Guarantee, List<String>> found, Guarantee of, String how) {
        found.computeIfAbsent(of, g -> new ArrayList<>()).add(how);
    }

    private String output(List<String> command, Path work)
            throws IOException, InterruptedException {
        List<String> may = new ArrayList<>(read);
        may.add(jails.files().jar().toString());
        var program = new ProgramCommand(command, work, List.of(), Map.of(), true);
        while (true) {
            String mark = Jails.mark();
            try (RunningProgram running = jails.start(program, limits(), may, mark, MOST)) {
                return running.await(PATIENCE).output();
            } catch (IOException e) {
                JailStep step = refusedStep(e);
                log.debug("the sandbox goes without {}", step, e);
                refused.put(step, e.getMessage());
                jails.leaveOut(step);
            }
        }
    }

    private JailStep refusedStep(IOException e) throws IOException {
        for (JailStep step : JailStep.values()) {
            if (step != JailStep.EXEC
                    && jails.takes(step)
                    && e.getMessage().contains(": " + step + " ")) {
                return step;
            }
        }
        throw e;
    }

    private static SandboxConfig limits() {
        return SandboxConfig.DEFAULTS.withMemory(MEMORY).withProcesses(PROCESSES);
    }

    /// How a program with many processes escaped, if it did.
    private Optional<String> many(Path work) throws IOException, InterruptedException {
        if (!Files.isExecutable(SHELL)) {
            return Optional.of("could not be tried, since there is no " + SHELL);
        }
        var program =
                new ProgramCommand(
                        List.of(SHELL.toString(), "-c", MANY), work, List.of(), Map.of(), false);
        try (var watch = new ProgramWatch(limits());
                RunningProgram running = jails.start(program, limits(), read, Jails.mark(), MOST)) {
            watch.add(running);
            ProgramEnd end = running.await(Duration.ofSeconds(10));
            if (!end.limit().equals(Optional.of(ProgramEnd.Limit.PROCESSES))) {
                return Optional.of("starts as many processes as it likes");
            }
            long first = Long.parseLong(end.output().lines().findFirst().get());
            if (isGone(running.pid(), first)) {
                return Optional.empty();
            }
            ProcessHandle.of(first).ifPresent(ProcessHandle::destroyForcibly);
            return Optional.of("leaves processes behind");
        }
    }

    private static boolean isGone(long group, long process) throws InterruptedException {
        for (int i = 0; i < 50; i++) {
            if (ProcessStat.all().stream()
                    .noneMatch(p -> p.group() == group || p.pid() == process)) {
                return true;
            }
            Thread.sleep(20);
        }
        return false;
    }
}
